//! Where a store on a server is, as libpq's URLs say it. A password never stands in one.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Error, Result, Status};

/// How long one server may take to answer, where the URL does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const PORT: u16 = 5432;
/// Where Debian's and Red Hat's packages have the socket.
pub(super) const SOCKET_FOLDER: &str = "/var/run/postgresql";

/// How the connection is protected, from none to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    /// Never encrypted.
    Disable,
    /// Encrypted where the server can.
    Prefer,
    /// Encrypted, to whomever answers.
    Require,
    /// To a server with a certificate of a trusted authority.
    VerifyCa,
    /// To the server of that name.
    VerifyFull,
}

/// One server of the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// A name, an address, or the folder of a socket.
    pub name: String,
    pub port: u16,
}

impl Host {
    pub(super) fn is_socket(&self) -> bool {
        self.name.starts_with('/')
    }

    /// Whether nobody stands between this machine and the server.
    fn is_local(&self) -> bool {
        self.is_socket()
            || self.name.eq_ignore_ascii_case("localhost")
            || self.name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// Which servers are meant, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The URL, as it is shown.
    pub text: String,
    pub hosts: Vec<Host>,
    pub user: String,
    pub database: String,
    pub tls: Tls,
    /// The authorities that are trusted; the system's where it is absent.
    pub root_certificates: Option<PathBuf>,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub password_file: Option<PathBuf>,
    /// Only a server that takes changes will do.
    pub read_write: bool,
    pub connect_timeout: Duration,
    pub application_name: String,
}

impl Address {
    /// Reads a URL. `account` is who is meant where it names nobody.
    pub(super) fn parse(url: &str, account: &str) -> Result<Self> {
        let (_, rest) = url.split_once("://").ok_or_else(|| wrong("it has no '://'"))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = place.split_once('/').unwrap_or((place, ""));
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        if user.contains(':') {
            return Err(password());
        }
        let mut address = Self {
            text: url.to_owned(),
            hosts: Vec::new(),
            user: decoded(user)?,
            database: decoded(database)?,
            tls: Tls::Disable,
            root_certificates: None,
            certificate: None,
            key: None,
            password_file: None,
            read_write: true,
            connect_timeout: CONNECT_TIMEOUT,
            application_name: "ummailboxpin".to_owned(),
        };
        let mut names: Vec<(String, Option<u16>)> = Vec::new();
        for host in hosts.split(',').filter(|host| !host.is_empty()) {
            names.push(name_and_port(host)?);
        }
        let (mut tls, mut ports) = (None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value)?;
            match name {
                "password" | "sslpassword" => return Err(password()),
                "sslmode" => tls = Some(mode(&value)?),
                "host" => names = value.split(',').map(|host| (host.to_owned(), None)).collect(),
                "port" => {
                    for port in value.split(',') {
                        ports.push(if port.is_empty() { PORT } else { number(port)? });
                    }
                }
                "user" => address.user = value,
                "dbname" => address.database = value,
                "sslrootcert" => address.root_certificates = (value != "system").then(|| value.into()),
                "sslcert" => address.certificate = Some(value.into()),
                "sslkey" => address.key = Some(value.into()),
                "passfile" => address.password_file = Some(value.into()),
                "application_name" => address.application_name = value,
                "connect_timeout" => {
                    address.connect_timeout = match value.parse::<u64>() {
                        Ok(seconds @ 1..=600) => Duration::from_secs(seconds),
                        _ => return Err(wrong("connect_timeout is 1 to 600 seconds")),
                    };
                }
                "target_session_attrs" => {
                    address.read_write = match &*value {
                        "any" => false,
                        "read-write" | "primary" => true,
                        _ => return Err(wrong("target_session_attrs is read-write, primary or any")),
                    };
                }
                // Never the value: somebody may have put a secret behind a misspelled name. Nor what cannot be a name:
                // behind a '?' in a password, it is the rest of that.
                _ if name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
                    return Err(wrong(&format!("it has an unknown parameter '{name}'")));
                }
                _ => return Err(wrong("it has an unknown parameter")),
            }
        }
        let usual = if cfg!(unix) { SOCKET_FOLDER } else { "localhost" };
        if names.is_empty() {
            names.push((usual.to_owned(), None));
        }
        if ports.len() > 1 && ports.len() != names.len() {
            return Err(wrong("it has not as many ports as hosts"));
        }
        address.hosts = names
            .into_iter()
            .enumerate()
            .map(|(at, (name, own))| {
                let name = if name.is_empty() { usual.to_owned() } else { name };
                let port = own.or_else(|| ports.get(at).or(ports.first()).copied()).unwrap_or(PORT);
                Host { name, port }
            })
            .collect();
        if address.user.is_empty() {
            account.clone_into(&mut address.user);
        }
        if address.database.is_empty() {
            address.database.clone_from(&address.user);
        }
        let is_local = address.hosts.iter().all(Host::is_local);
        address.tls = match tls {
            None if is_local => Tls::Prefer,
            None => Tls::VerifyFull,
            Some(Tls::Prefer) if !is_local => {
                return Err(wrong(
                    "sslmode=prefer does not say whether the connection is protected; leave it out for verify-full, \
                     or say require, verify-ca or disable",
                ));
            }
            Some(said) => said,
        };
        Ok(address)
    }

    /// Whether somebody between this machine and the server could read or alter what goes over the line.
    pub(super) fn is_exposed(&self) -> bool {
        self.tls != Tls::VerifyFull && !self.hosts.iter().all(Host::is_local)
    }
}

fn mode(text: &str) -> Result<Tls> {
    Ok(match text {
        "disable" => Tls::Disable,
        "prefer" => Tls::Prefer,
        "require" => Tls::Require,
        "verify-ca" => Tls::VerifyCa,
        "verify-full" => Tls::VerifyFull,
        _ => return Err(wrong("sslmode is disable, prefer, require, verify-ca or verify-full")),
    })
}

/// `host`, `host:port`, `[v6 address]:port`.
fn name_and_port(text: &str) -> Result<(String, Option<u16>)> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (name, behind) = rest.split_once(']').ok_or_else(|| wrong("a '[' in it is not closed"))?;
            let port = behind.strip_prefix(':');
            if port.is_none() && !behind.is_empty() {
                return Err(wrong("behind a ']' in it stands neither ':' and a port nor a ','"));
            }
            (name, port)
        }
        None => match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        },
    };
    Ok((decoded(name)?, port.map(number).transpose()?))
}

fn number(port: &str) -> Result<u16> {
    port.parse().ok().filter(|port| *port > 0).ok_or_else(|| wrong("a port is a number from 1 to 65535"))
}

/// `%41` as `A`.
fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        let value = digit().zip(digit()).map(|(high, low)| high * 16 + low).and_then(|value| u8::try_from(value).ok());
        bytes.push(value.filter(|byte| *byte != 0).ok_or_else(|| wrong("a '%' in it is not followed by two digits"))?);
    }
    String::from_utf8(bytes).map_err(|_| wrong("what its '%' stand for is not UTF-8"))
}

fn wrong(what: &str) -> Error {
    Error::new(
        Status::StoreUrl,
        format!(
            "UMPIN_STORE (or -Store) is a URL that cannot be used: {what}. Nothing was changed. The form is \
             postgresql://user@host[:port][,host...]/database?sslmode=verify-full; docs/postgresql.md lists its \
             parameters."
        ),
    )
}

fn password() -> Error {
    Error::new(
        Status::StoreUrlPassword,
        "UMPIN_STORE (or -Store) is a URL with a password in it, where others can read it. It was not used, and \
         nothing was changed. Take it out of the URL and put it into the file that PGPASSFILE names, or ~/.pgpass; or \
         use a client certificate. Whoever may have read the URL knows the password: change it.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address> {
        Address::parse(url, "me")
    }

    #[test]
    fn every_part_of_a_url_is_read() {
        let a = parse(
            "postgresql://um%40pin@db1.contoso.com,[fd00::1]:6432/um%20pin?sslmode=verify-full&target_session_attrs=any\
             &connect_timeout=7&sslrootcert=/r.pem&sslcert=/c.pem&sslkey=/k.pem&passfile=/p&application_name=x",
        )
        .unwrap();
        assert_eq!((&*a.user, &*a.database, a.tls, a.read_write), ("um@pin", "um pin", Tls::VerifyFull, false));
        let hosts: Vec<(&str, u16)> = a.hosts.iter().map(|h| (&*h.name, h.port)).collect();
        assert_eq!(hosts, [("db1.contoso.com", 5432), ("fd00::1", 6432)]);
        assert_eq!(a.connect_timeout, Duration::from_secs(7));
        let files = [a.root_certificates, a.certificate, a.key, a.password_file].map(|f| f.unwrap());
        assert_eq!(files, ["/r.pem", "/c.pem", "/k.pem", "/p"].map(PathBuf::from));
        assert_eq!(a.application_name, "x");
    }

    #[test]
    fn what_is_left_out_is_this_accounts_and_this_machines() {
        let a = parse("postgresql:///?host=/run/x&port=5433").unwrap();
        assert_eq!((&*a.user, &*a.database, a.hosts[0].port), ("me", "me", 5433));
        assert!(a.hosts[0].is_socket() && a.read_write);
        let b = parse("postgres://me@localhost/umpin").unwrap();
        assert_eq!((b.hosts[0].port, b.tls), (5432, Tls::Prefer));
    }

    #[test]
    fn a_host_that_is_empty_or_encoded_is_what_libpq_takes_it_for() {
        let hosts = |url: &str| -> Vec<(String, u16)> {
            parse(url).unwrap().hosts.into_iter().map(|host| (host.name, host.port)).collect()
        };
        let usual = if cfg!(unix) { SOCKET_FOLDER } else { "localhost" };
        for url in ["postgresql://", "postgresql:///umpin", "postgresql:///umpin?host=", "postgresql://?port="] {
            assert_eq!(hosts(url), [(usual.to_owned(), PORT)], "{url}");
        }
        assert_eq!(hosts("postgresql:///umpin?host=,db2&port=,5433"), [(usual.to_owned(), PORT), ("db2".into(), 5433)]);
        assert_eq!(hosts("postgresql://%2Frun%2Fa%20b:5433/umpin"), [("/run/a b".to_owned(), 5433)]);
        assert_eq!(hosts("postgresql:///umpin?host=/run/a%20b"), [("/run/a b".to_owned(), PORT)]);
        assert_eq!(hosts("postgresql://db1,[::1],db3:7/umpin?port=6").len(), 3);
        assert_eq!(hosts("postgresql://db1,db2:7/umpin?port=6")[0].1, 6);
    }

    #[test]
    fn a_connection_to_another_machine_is_verified_unless_the_url_says_otherwise() {
        let tls = |url: &str| parse(url).map(|a| a.tls);
        assert_eq!(tls("postgresql://db1/umpin").unwrap(), Tls::VerifyFull);
        assert_eq!(tls("postgresql://localhost,db1/umpin").unwrap(), Tls::VerifyFull);
        assert_eq!(tls("postgresql://127.0.0.2,[::1]/umpin").unwrap(), Tls::Prefer);
        assert_eq!(tls("postgresql://db1/umpin?sslmode=require").unwrap(), Tls::Require);
        assert_eq!(tls("postgresql://db1/umpin?sslmode=prefer").unwrap_err().status, Status::StoreUrl);
        assert!(parse("postgresql://db1/umpin?sslmode=require").unwrap().is_exposed());
        assert!(!parse("postgresql://db1/umpin").unwrap().is_exposed());
    }

    #[test]
    fn a_password_in_any_place_is_an_error_of_its_own_that_does_not_repeat_it() {
        for url in [
            "postgresql://umpin:hunter2@db1/umpin",
            "postgresql://umpin:@db1/umpin",
            "postgresql://db1/umpin?password=hunter2",
            "postgresql://db1/umpin?sslpassword=hunter2",
        ] {
            let e = parse(url).unwrap_err();
            assert_eq!(e.status, Status::StoreUrlPassword, "{url}");
            assert!(!e.message.contains("hunter2"), "{e}");
        }
    }

    #[test]
    fn a_url_that_says_nothing_usable_is_an_error_of_its_own() {
        for url in [
            "postgresql://db1/umpin?passwort=hunter2",
            "postgresql://umpin:123?hunter2@db1/umpin",
            "postgresql://db1/umpin?sslmode=allow",
            "postgresql://db1:0/umpin",
            "postgresql://db1:port/umpin",
            "postgresql://[fd00::1/umpin",
            "postgresql://[fd00::1]5433/umpin",
            "postgresql://[fd00::1]:/umpin",
            "postgresql://fd00::1/umpin",
            "postgresql://db1:5432:5433/umpin",
            "postgresql://db1/umpin?service=umpin",
            "postgresql://db1/umpin?hostaddr=10.0.0.1",
            "postgresql://db1/umpin?host=a,b&port=1,2,3",
            "postgresql://db1/um%2",
            "postgresql://db1/um%ff",
            "postgresql://db1/umpin?connect_timeout=0",
            "postgresql://db1/umpin?target_session_attrs=standby",
            "postgresql://db1,db2,db3/umpin?port=1,2",
        ] {
            let e = parse(url).unwrap_err();
            assert_eq!(e.status, Status::StoreUrl, "{url}");
            assert!(!e.message.contains("hunter2"), "{e}");
        }
    }
}
