//! The committed header is the one that cbindgen makes from the source.

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/umpin.h");
const GENERATED: &str = include_str!(concat!(env!("OUT_DIR"), "/umpin.h"));

#[test]
fn the_committed_header_is_the_generated_one() {
    if std::env::var_os("UMPIN_UPDATE_HEADER").is_some() {
        std::fs::write(COMMITTED, GENERATED).expect("include/umpin.h is writable");
    }
    let committed = std::fs::read_to_string(COMMITTED).expect("include/umpin.h is committed");
    assert!(
        committed.replace("\r\n", "\n") == GENERATED,
        "include/umpin.h is not what src/ffi says. Run UMPIN_UPDATE_HEADER=1 cargo test --test integration \
         the_committed_header, and read the difference."
    );
}

#[test]
fn every_status_has_its_number_in_the_header() {
    for status in umpin::error::Status::ALL {
        let number = format!("= {},", *status as i32);
        assert!(GENERATED.contains(&number), "{status:?} {number}");
    }
}
