//! The page for voice-mail PINs: a help desk without a shell, and people who help themselves. docs/page.md.
//!
//! Every rule stands in the library. Here are who is who ([`identity`], [`sessions`]), what is shown ([`my_pages`],
//! [`help_desk`]) and how it is served ([`server`]).

mod app;
mod configuration;
mod failure;
mod forms;
mod help_desk;
mod identity;
mod limits;
mod log;
mod my_pages;
mod open_id;
mod server;
mod sessions;
mod sign_in_pages;
mod state;
mod texts;
mod view;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use configuration::Configuration;
use server::Listen;

/// The page for voice-mail PINs.
#[derive(Parser)]
#[command(name = "umpin-web", version)]
struct Arguments {
    /// Where to listen: an address such as 127.0.0.1:8025, or unix: and the path of a socket
    #[arg(long, value_name = "ADDRESS")]
    listen: Listen,
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/umpin-web/web.toml")]
    config: PathBuf,
    /// The certificate chain (PEM) to serve TLS with; needed beyond loopback
    #[arg(long, value_name = "FILE", requires = "private_key")]
    certificate: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", requires = "certificate")]
    private_key: Option<PathBuf>,
    /// The store; else UMPIN_STORE, else the usual place
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// The key file; else UMPIN_KEY_FILE, else the usual place
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match start(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            log::write(&why);
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments) -> Result<(), String> {
    let tls = arguments.certificate.zip(arguments.private_key);
    let configuration = Configuration::read(&arguments.config)?;
    server::check(&arguments.listen, tls.is_some(), &configuration)?;
    let store = umpin::session::Session::open(arguments.store, arguments.key_file, None).map_err(|e| e.message)?;
    let app = app::App::new(configuration, store)?;
    server::serve(app, arguments.listen, tls)
}
