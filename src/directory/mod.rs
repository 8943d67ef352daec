//! How people are named, read and found. Pure; the store keeps what is made here.

mod csv_records;
pub mod identity;
pub mod list_edit;
pub mod mail_address;
pub mod numbers;
pub mod opath;
pub mod recipient;
pub mod row;
pub mod table;
