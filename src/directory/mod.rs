//! How people are named, read and found. Pure; the store keeps what is made here.

mod csv_records;
pub mod identity;
pub(crate) mod list_edit;
pub(crate) mod mail_address;
pub mod numbers;
pub(crate) mod opath;
pub mod recipient;
pub(crate) mod row;
pub(crate) mod table;
