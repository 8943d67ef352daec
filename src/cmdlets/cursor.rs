//! The cursor of a list that comes in pages: parts separated by blanks, of which the last may hold blanks itself. A
//! malformed cursor is an error; it never restarts the list.

use std::str::FromStr;

use crate::error::{Error, Result, Status};

/// The `N` parts of a cursor.
pub(crate) fn cursor_parts<const N: usize>(cursor: &str) -> Result<[&str; N]> {
    let parts: Vec<&str> = cursor.splitn(N, ' ').collect();
    <[&str; N]>::try_from(parts).map_err(|_| malformed_cursor_error())
}

/// The number in one part of a cursor.
pub(crate) fn cursor_number<T: FromStr>(part: &str) -> Result<T> {
    part.parse().map_err(|_| malformed_cursor_error())
}

pub(crate) fn malformed_cursor_error() -> Error {
    Error::new(
        Status::InvalidRequest,
        "The place to go on from is not one that this list gave. Nothing was changed. Begin anew, without it.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_has_its_parts_or_is_an_error() {
        assert_eq!(
            cursor_parts::<3>("1 guid contoso.com/Tony Smith").unwrap(),
            ["1", "guid", "contoso.com/Tony Smith"]
        );
        assert_eq!(cursor_parts::<3>("1 guid ").unwrap(), ["1", "guid", ""]);
        assert_eq!(cursor_number::<u64>("17").unwrap(), 17);
        for odd in ["", "1", "1 guid"] {
            assert_eq!(cursor_parts::<3>(odd).unwrap_err().status, Status::InvalidRequest, "{odd}");
        }
        for odd in ["", "x", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(cursor_number::<u64>(odd).unwrap_err().status, Status::InvalidRequest, "{odd}");
        }
    }
}
