//! A PostgreSQL server of the tests' own, as an account without rights, in a throwaway folder: on a Unix socket and on
//! loopback with TLS. It ends with the process that started it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use postgres::{Client, Config, NoTls};

/// Names the folder of a server that a parent process runs.
const FOLDER: &str = "UMPIN_TEST_POSTGRESQL";
/// Everything may be done by this role.
pub const OWNER: &str = "owner";

/// Whether this run has its stores on PostgreSQL.
pub fn is_chosen() -> bool {
    std::env::var_os("UMPIN_TEST_STORE").is_some_and(|store| store == "postgresql")
}

/// Where `initdb` and `postgres` are: in Debian's usual place, else on PATH.
pub fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    found.into_iter().rev().chain(std::env::split_paths(&path)).find(|folder| folder.join("initdb").is_file())
}

/// A server that runs.
pub struct Server {
    folder: PathBuf,
    port: u16,
    keeper: Mutex<Option<Child>>,
}

impl Server {
    /// The one that all tests of this process, and its children, share.
    pub fn shared() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| match std::env::var_os(FOLDER) {
            Some(folder) => {
                let folder = PathBuf::from(folder);
                let port = std::fs::read_to_string(folder.join("port")).unwrap().parse().unwrap();
                Server { folder, port, keeper: Mutex::default() }
            }
            None => Server::start(&[]),
        })
    }

    /// Makes a cluster and starts it.
    pub fn start(settings: &[&str]) -> Server {
        let server = Server::in_new_folder();
        let made = as_nobody(&programs().expect("PostgreSQL").join("initdb"))
            .args(["-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--data-checksums", "-U", OWNER, "-D"])
            .arg(server.folder.join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // Programs are killed here and no machine is, so that what was written stays; with it on, a server that begins
        // anew would wait seconds for the disk.
        server.set(&["max_connections = 300", "fsync = off"]);
        server.set(settings);
        server.listen();
        server
    }

    /// A folder and a port that nobody has at this moment.
    fn in_new_folder() -> Server {
        let folder = tempfile::Builder::new().prefix("umpin-pg").tempdir_in("/tmp").unwrap().keep();
        give_to_nobody(&folder);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::write(folder.join("port"), port.to_string()).unwrap();
        Server { folder, port, keeper: Mutex::default() }
    }

    /// Starts it at its own socket and port.
    fn listen(&self) {
        let folder = self.folder.display();
        self.set(&[&format!("unix_socket_directories = '{folder}'"), &format!("port = {}", self.port)]);
        self.run();
    }

    /// Adds lines to its settings; the last of a name counts.
    pub fn set(&self, settings: &[&str]) {
        let mut file = std::fs::File::options().append(true).open(self.folder.join("data/postgresql.conf")).unwrap();
        for line in settings {
            writeln!(file, "{line}").unwrap();
        }
    }

    /// A standby of this one, running.
    pub fn start_standby(&self) -> Server {
        let standby = Server::in_new_folder();
        standby.follow(self);
        standby
    }

    /// What it held is gone: from now on it is a standby of another.
    pub fn follow(&self, primary: &Server) {
        let data = self.folder.join("data");
        let _ = std::fs::remove_dir_all(&data);
        let copied = as_nobody(&programs().unwrap().join("pg_basebackup"))
            .args(["--checkpoint=fast", "--no-sync", "-R", "-X", "stream", "-U", OWNER, "-h"])
            .arg(&primary.folder)
            .args(["-p", &primary.port.to_string(), "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        self.set(&["synchronous_standby_names = ''"]);
        self.listen();
    }

    /// From now on nothing is acknowledged that the standby has not.
    pub fn wait_for_standby(&self) {
        self.set(&["synchronous_standby_names = '*'"]);
        let mut client = self.client("postgres");
        client.execute("SELECT pg_reload_conf()", &[]).unwrap();
        let since = std::time::Instant::now();
        let ready = "SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while client.query_one(ready, &[]).unwrap().get::<_, i64>(0) == 0 {
            assert!(since.elapsed().as_secs() < 60, "{}", self.log());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// A standby takes changes from now on.
    pub fn promote(&self) {
        let told = self.client("postgres").query_one("SELECT pg_promote(true, 60)", &[]).unwrap();
        assert!(told.get::<_, bool>(0), "{}", self.log());
    }

    /// Starts it (again).
    pub fn run(&self) {
        // The shell ends the server when its own input ends, which is when this process does, and then removes it all,
        // unless the server is to be started again.
        let script = "\"$0\" -D \"$1/data\" >>\"$1/log\" 2>&1 & p=$!; cat >/dev/null; kill -QUIT $p; wait; \
                      [ -e \"$1/again\" ] || rm -rf \"$1\"";
        let child = as_nobody(Path::new("/bin/sh"))
            .args(["-c", script])
            .arg(programs().unwrap().join("postgres"))
            .arg(&self.folder)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        *self.keeper.lock().unwrap() = Some(child);
        let _ = std::fs::remove_file(self.folder.join("again"));
        let since = std::time::Instant::now();
        while self.try_client("postgres").is_err() {
            assert!(since.elapsed().as_secs() < 60, "{}", self.log());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// The next start has TLS with the certificate in a folder, and this line before all others of pg_hba.conf.
    pub fn use_tls(&self, certificates: &Path, line: &str) {
        let data = self.folder.join("data");
        for file in ["server.pem", "server.key"] {
            std::fs::copy(certificates.join(file), data.join(file)).unwrap();
            give_to_nobody(&data.join(file));
        }
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(data.join("server.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut configuration = std::fs::File::options().append(true).open(data.join("postgresql.conf")).unwrap();
        writeln!(configuration, "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'").unwrap();
        let rules = data.join("pg_hba.conf");
        let before = std::fs::read_to_string(&rules).unwrap();
        std::fs::write(&rules, format!("{line}{before}")).unwrap();
    }

    /// The next start with TLS takes certificates of clients by this authority.
    pub fn trust_clients_of(&self, authority: &Path) {
        let data = self.folder.join("data");
        std::fs::copy(authority, data.join("clients.pem")).unwrap();
        give_to_nobody(&data.join("clients.pem"));
        let mut configuration = std::fs::File::options().append(true).open(data.join("postgresql.conf")).unwrap();
        writeln!(configuration, "ssl_ca_file = 'clients.pem'").unwrap();
    }

    /// Ends it as a failing machine does: by its immediate stop.
    pub fn kill(&self) {
        let Some(mut keeper) = self.keeper.lock().unwrap().take() else { return };
        std::fs::write(self.folder.join("again"), "").unwrap();
        drop(keeper.stdin.take());
        keeper.wait().unwrap();
        let since = std::time::Instant::now();
        while self.folder.join("data/postmaster.pid").exists() && since.elapsed().as_secs() < 20 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn try_client(&self, database: &str) -> Result<Client, postgres::Error> {
        Config::new().host_path(&self.folder).port(self.port).user(OWNER).dbname(database).connect(NoTls)
    }

    pub fn client(&self, database: &str) -> Client {
        self.try_client(database).unwrap()
    }

    /// Makes a database, unless it is there.
    pub fn make_database(&self, name: &str) {
        let mut client = self.client("postgres");
        let there = client.query_one("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", &[&name]).unwrap();
        if there.get::<_, bool>(0) {
            return;
        }
        // Two at once: one of them is turned away.
        if let Err(e) = client.batch_execute(&format!("CREATE DATABASE \"{name}\" TEMPLATE template0")) {
            assert!(e.code().is_some_and(|code| ["42P04", "23505"].contains(&code.code())), "{e}");
        }
    }

    /// How a store on it is named, by the socket.
    pub fn url(&self, role: &str, database: &str) -> String {
        format!("postgresql://{role}@/{database}?host={}&port={}", self.folder.display(), self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The store of the tests in this folder, on the shared server.
pub fn url_of(folder: &Path) -> String {
    let server = Server::shared();
    let name = database_of(folder);
    server.make_database(&name);
    server.url(OWNER, &name)
}

/// The name of the folder's database.
pub fn database_of(folder: &Path) -> String {
    folder.to_string_lossy().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// Where a child process finds the server that this one runs.
pub fn told_to_child(command: &mut Command) {
    if is_chosen() {
        command.env(FOLDER, Server::shared().folder());
    }
}

#[cfg(unix)]
fn give_to_nobody(folder: &Path) {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    if folder.metadata().unwrap().uid() == 0 {
        std::os::unix::fs::chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

#[cfg(unix)]
const NOBODY: u32 = 65_534;

/// The server refuses to run as root.
#[cfg(unix)]
fn as_nobody(program: &Path) -> Command {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program);
    if std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0) {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir("/").env("LC_ALL", "C");
    command
}
