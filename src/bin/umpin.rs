//! The PBX command.
fn main() {}
