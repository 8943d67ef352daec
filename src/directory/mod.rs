//! How people are named and found. Pure; the store keeps what is made here.

pub mod identity;
