// The account that a certificate is for (wire-protocol 10): the part of the email before the `@`,
// of the domains that the application maps. Nobody gets the name of an account that belongs to the
// system or to a service, whatever a provider says that their address is: on most machines it is
// there, and some of them may do everything.

/** Why an email names no account. */
export type PrincipalFault =
  | "unmapped_domain"
  /** other characters than `a-z0-9._-`, none of them a letter, or too many */
  | "not_an_account_name"
  | "system_account";

export type PrincipalReading =
  | { ok: true; principal: string }
  | { ok: false; fault: PrincipalFault };

/** Characters of an account's name on Linux: `useradd` takes no more. */
const longestName = 32;

/**
 * @param email canonical (canonical-email.ts)
 * @param domains lower-case
 */
export function principalOf(email: string, domains: readonly string[]): PrincipalReading {
  // Looked at before it is lowered: the Kelvin sign would become a k.
  const [, local = "", domain = ""] = /^([!-?A-~]+)@([!-?A-~]+)$/.exec(email) ?? [];
  if (!domains.includes(domain.toLowerCase())) return { ok: false, fault: "unmapped_domain" };

  const name = local.toLowerCase();
  // A dash in front would be an option of a program, a number could be taken for a user's id.
  const isName = /^[a-z0-9][a-z0-9._-]*$/.test(name) && /[a-z]/.test(name);
  if (!isName || name.length > longestName) return { ok: false, fault: "not_an_account_name" };
  if (isSystemAccount(name)) return { ok: false, fault: "system_account" };
  return { ok: true, principal: name };
}

function isSystemAccount(name: string): boolean {
  return systemAccounts.has(name) || /^systemd-/.test(name);
}

/**
 * Accounts that operating systems, their images and widespread services bring along. Those with a
 * first underscore (`_apt`) are no names here in any case.
 */
const systemAccounts: ReadonlySet<string> = new Set(
  [
    // Linux distributions, the BSDs and macOS
    "root toor daemon bin sys sync games man lp mail news uucp proxy backup list irc gnats nobody",
    "nogroup adm shutdown halt operator ftp gopher wheel sudo staff users tty disk kmem dialout",
    "messagebus dbus polkitd polkituser avahi avahi-autoipd rtkit usbmux tss uuidd sshd sssd",
    "nscd ntp chrony ntpd rpc rpcuser nfsnobody statd saned colord geoclue gdm lightdm sddm pulse",
    "whoopsie kernoops syslog rsyslog cron tcpdump landscape pollinate fwupd-refresh lxd libvirt",
    "libvirt-qemu qemu kvm docker podman containerd kubelet core etcd consul vault nomad abrt",
    // accounts that cloud images and installers give every right
    "admin administrator ubuntu debian ec2-user ec2user centos fedora rocky almalinux alma redhat",
    "rhel cloud-user clouduser cloud-init opc azureuser azure gcp-user google suse opensuse arch",
    "alpine alpinelinux freebsd vagrant pi kali user guest test demo support maintenance bitnami",
    // services
    "git gitea gogs gitlab gitlab-runner gitolite svn hg jenkins runner buildkite-agent teamcity",
    "postgres postgresql mysql mariadb mongodb mongod redis memcached cassandra elasticsearch",
    "opensearch kibana logstash rabbitmq kafka zookeeper influxdb grafana prometheus loki zabbix",
    "nagios icinga munin telegraf www www-data apache apache2 httpd nginx caddy haproxy traefik",
    "varnish squid tomcat jetty php-fpm postfix exim exim4 dovecot dovenull sendmail smmsp",
    "spamd clamav amavis mailman vmail opendkim bind named unbound dnsmasq pdns dhcpd openvpn",
    "wireguard strongswan debian-tor radius freerad ldap openldap slapd krb5 samba smb nfs minio puppet chef",
    "salt ansible deploy deployer terraform postern cloudflared systemd oracle db2inst1 sapadm",
  ].flatMap((line) => line.split(" ")),
);
