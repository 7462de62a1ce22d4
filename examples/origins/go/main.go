// An origin that believes the gateway's signature and nothing else. Standard library only.
package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

var refused = errors.New("this request did not come through the gateway")

// keySet holds the gateway's public keys by kid; an unknown one makes it ask again, at most once a minute.
type keySet struct {
	url   string
	mutex sync.Mutex
	keys  map[string]*rsa.PublicKey
	asked time.Time
}

func (s *keySet) find(kid string) (*rsa.PublicKey, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.keys[kid] == nil && time.Since(s.asked) > time.Minute {
		s.asked = time.Now()
		if err := s.fetch(); err != nil {
			return nil, err
		}
	}
	if key := s.keys[kid]; key != nil {
		return key, nil
	}
	return nil, refused
}

func (s *keySet) fetch() error {
	client := http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get(s.url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var listed struct {
		Keys []struct{ Kid, N, E string }
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&listed); err != nil {
		return err
	}
	keys := make(map[string]*rsa.PublicKey)
	for _, key := range listed.Keys {
		n, errN := base64.RawURLEncoding.DecodeString(key.N)
		e, errE := base64.RawURLEncoding.DecodeString(key.E)
		if errN == nil && errE == nil {
			keys[key.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		}
	}
	s.keys = keys
	return nil
}

type claims struct {
	Type       string   `json:"type"`
	Issuer     string   `json:"iss"`
	Audience   []string `json:"aud"`
	Expires    float64  `json:"exp"`
	Email      string   `json:"email"`
	CommonName string   `json:"common_name"`
}

func decode(part string, into any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func verify(request *http.Request, keys *keySet, issuer, aud string) (*claims, error) {
	assertions := request.Header.Values("Cf-Access-Jwt-Assertion")
	if len(assertions) != 1 {
		return nil, refused
	}
	parts := strings.Split(assertions[0], ".")
	if len(parts) != 3 {
		return nil, refused
	}
	var header struct{ Alg, Kid string }
	if err := decode(parts[0], &header); err != nil || header.Alg != "RS256" {
		return nil, refused
	}
	key, err := keys.find(header.Kid)
	if err != nil {
		return nil, err
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, refused
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature); err != nil {
		return nil, refused
	}
	var found claims
	if err := decode(parts[1], &found); err != nil {
		return nil, refused
	}
	for _, each := range found.Audience {
		if each == aud && found.Issuer == issuer && found.Type == "app" && float64(time.Now().Unix()) < found.Expires {
			return &found, nil
		}
	}
	return nil, refused
}

func main() {
	issuer, aud := os.Getenv("ISSUER"), os.Getenv("AUD")
	if issuer == "" || aud == "" {
		log.Fatal("set ISSUER and AUD")
	}
	keys := &keySet{url: os.Getenv("CERTS_URL")}
	if keys.url == "" {
		keys.url = issuer + "/cdn-cgi/access/certs"
	}
	http.HandleFunc("/", func(writer http.ResponseWriter, request *http.Request) {
		writer.Header().Set("Content-Type", "application/json")
		found, err := verify(request, keys, issuer, aud)
		if err != nil {
			writer.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(writer, `{"error":%q}`, refused.Error())
			return
		}
		writer.Header().Set("X-Verified-Email", found.Email)
		json.NewEncoder(writer).Encode(map[string]string{"email": found.Email, "common_name": found.CommonName})
	})
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(os.Stderr, "listening")
	log.Fatal(http.Serve(listener, nil))
}
