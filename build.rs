//! Makes the C header in the build's own folder; `tests/integration/header.rs` compares it with the committed one.

use std::path::PathBuf;

fn main() {
    // Every file that the header is made from, and only those: the rest of the crate says nothing to C.
    let sources = [
        "src/error.rs",
        "src/ffi/types.rs",
        "src/ffi/session.rs",
        "src/ffi/guard.rs",
        "src/ffi/text.rs",
        "src/ffi/pins.rs",
        "src/ffi/sign_in.rs",
        "src/ffi/execute.rs",
    ];
    println!("cargo::rerun-if-changed=cbindgen.toml");
    let mut builder = cbindgen::Builder::new();
    for source in sources {
        println!("cargo::rerun-if-changed={source}");
        builder = builder.with_src(source);
    }
    let config = match cbindgen::Config::from_file("cbindgen.toml") {
        Ok(config) => config,
        Err(e) => fail(&format!("cbindgen.toml cannot be read: {e}")),
    };
    let header = match builder.with_config(config).generate() {
        Ok(header) => header,
        Err(e) => fail(&format!("the C header cannot be made: {e}")),
    };
    let Some(out) = std::env::var_os("OUT_DIR") else { fail("OUT_DIR is not set; run this through cargo") };
    header.write_to_file(PathBuf::from(out).join("umpin.h"));
}

fn fail(why: &str) -> ! {
    println!("cargo::error={why}");
    std::process::exit(1)
}
