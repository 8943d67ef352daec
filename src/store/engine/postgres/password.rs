//! Passwords out of libpq's password file.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::url::{Address, Host, SOCKET_FOLDER};
use crate::error::{Error, Result, Status};

/// The password for a server, where there is one in the file that `passfile` or PGPASSFILE names, else in the
/// account's own.
pub(super) fn password(address: &Address, host: &Host) -> Result<Option<Zeroizing<String>>> {
    let named = || std::env::var_os("PGPASSFILE").filter(|v| !v.is_empty()).map(PathBuf::from);
    let Some(path) = address.password_file.clone().or_else(named).or_else(own_file) else { return Ok(None) };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unusable(&path, &e.to_string())),
    };
    // `/dev/null`, for one.
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(who) = open_to_others(&path).map_err(|e| unusable(&path, &e.to_string()))? {
        return Err(unusable(&path, &format!("{who} can read it; take that right away")));
    }
    Ok(find(&text, address, host))
}

fn own_file() -> Option<PathBuf> {
    if cfg!(windows) {
        return std::env::var_os("APPDATA").map(|folder| PathBuf::from(folder).join("postgresql").join("pgpass.conf"));
    }
    std::env::var_os("HOME").filter(|home| !home.is_empty()).map(|home| PathBuf::from(home).join(".pgpass"))
}

/// Who else can read a file with a secret in it.
#[cfg(unix)]
pub(super) fn open_to_others(path: &Path) -> std::io::Result<Option<String>> {
    use std::os::unix::fs::MetadataExt;
    Ok((path.metadata()?.mode() & 0o077 != 0).then(|| "others".to_owned()))
}

#[cfg(windows)]
pub(super) fn open_to_others(path: &Path) -> std::io::Result<Option<String>> {
    crate::os::file_open_to_all(path)
}

fn unusable(path: &Path, why: &str) -> Error {
    Error::new(
        Status::StoreLogin,
        format!("The password file '{}' cannot be used: {why}. Nothing was changed.", path.display()),
    )
}

/// `host:port:database:user:password`, each `*` or literal; the first line that fits.
fn find(text: &str, address: &Address, host: &Host) -> Option<Zeroizing<String>> {
    let is_usual = host.name.trim_end_matches('/') == SOCKET_FOLDER;
    let name = if is_usual { "localhost" } else { &host.name };
    let port = host.port.to_string();
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = fields(line);
        let password = fields.pop().filter(|_| fields.len() == 4)?;
        let due = [name, &port, &address.database, &address.user];
        let fits = fields.iter().zip(due).all(|(field, due)| &**field == "*" || **field == due);
        (fits && !password.is_empty()).then_some(password)
    })
}

/// The fields of a line; `\:` and `\\` are those characters.
fn fields(line: &str) -> Vec<Zeroizing<String>> {
    let mut fields = vec![Zeroizing::new(String::new())];
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match c {
            ':' if fields.len() < 5 => fields.push(Zeroizing::new(String::new())),
            c => {
                let c = if c == '\\' { characters.next().unwrap_or(c) } else { c };
                if let Some(field) = fields.last_mut() {
                    field.push(c);
                }
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_called_localhost_only_where_it_is_the_usual_one() {
        let found = |folder: &str| {
            let address = Address::parse(&format!("postgresql:///um?host={folder}"), "me").unwrap();
            let text = format!("/run/own:*:*:*:own\n{folder}:*:*:*:by its folder\nlocalhost:*:*:*:local");
            find(&text, &address, &address.hosts[0]).map(|p| p.to_string())
        };
        assert_eq!(found("/run/own"), Some("own".into()));
        assert_eq!(found("/var/run/postgresql"), Some("local".into()));
        assert_eq!(found("/var/run/postgresql/"), Some("local".into()));
        assert_eq!(found("/var/run/postgresql-other"), Some("by its folder".into()));
    }

    /// `/dev/null` is how a program says that no password is to be found.
    #[cfg(unix)]
    #[test]
    fn a_file_without_a_word_in_it_is_nobodys_secret() {
        let with = |file: &str| {
            let address = Address::parse(&format!("postgresql://umpin@db1/um?passfile={file}"), "me").unwrap();
            password(&address, &address.hosts[0]).map(|p| p.is_some())
        };
        assert!(!with("/dev/null").unwrap());
        assert!(!with("/no/such/file").unwrap());
    }

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        let address = Address::parse("postgresql://umpin@db1/um", "me").unwrap();
        let found = |text: &str| find(text, &address, &address.hosts[0]).map(|p| p.to_string());
        assert_eq!(
            found("db2:*:*:*:no\n#db1:*:*:*:no\ndb1:5432:um:umpin:a\\:b\\\\c\n*:*:*:*:late"),
            Some("a:b\\c".into())
        );
        assert_eq!(found("*:*:*:umpin:x:y"), Some("x:y".into()));
        for none in ["", "db1:5432:um:umpin:", "db1:5433:um:umpin:x", "db1:5432:um:x", "db1:5432:um:Umpin:x"] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
