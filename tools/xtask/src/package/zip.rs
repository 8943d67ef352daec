//! A zip file that is the same each time: fixed times, sorted names. Compression is gzip's.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use crate::machine::Machine;
use crate::{Failure, failure};

/// 1 January 1980, the earliest that the format knows.
const DATE: u16 = (1 << 5) | 1;
/// The general purpose flag for names in UTF-8.
const UTF8: u16 = 1 << 11;
const DEFLATED: u16 = 8;

/// The file as gzip compresses it, without a name or a time.
pub fn gzip(machine: &Machine, source: &Path) -> Result<Vec<u8>, Failure> {
    let fault = |e| failure(format!("gzip {}: {e}", source.display()));
    let input = File::open(source).map_err(fault)?;
    let output = machine.command("gzip").args(["-9", "-n", "-c"]).stdin(Stdio::from(input)).output().map_err(fault)?;
    if !output.status.success() {
        return Err(failure(format!("gzip {}: {}", source.display(), output.status)));
    }
    Ok(output.stdout)
}

/// `names` are with `/`, below `folder`, and go in as they are sorted.
pub fn make(machine: &Machine, folder: &Path, names: &[String]) -> Result<Vec<u8>, Failure> {
    let mut names = names.to_vec();
    names.sort();
    let mut zip = Vec::new();
    let mut directory = Vec::new();
    let count = u16::try_from(names.len()).map_err(|_| failure("too many files for a package"))?;
    for name in &names {
        let compressed = gzip(machine, &folder.join(name))?;
        // RFC 1952: ten bytes of head without optional fields; at the end CRC-32 and size of what went in.
        let (Some(body), Some(tail)) =
            (compressed.get(10..compressed.len().saturating_sub(8)), compressed.last_chunk::<8>())
        else {
            return Err(failure(format!("gzip gave nothing for {name}")));
        };
        let too_large = |_| failure(format!("{name} is too large for a package"));
        let at = u32::try_from(zip.len()).map_err(too_large)?;
        let mut entry = Vec::new();
        for field in [20, UTF8, DEFLATED, 0, DATE] {
            entry.extend(field.to_le_bytes());
        }
        entry.extend(&tail[..4]);
        entry.extend(u32::try_from(body.len()).map_err(too_large)?.to_le_bytes());
        entry.extend(&tail[4..]);
        entry.extend(u16::try_from(name.len()).map_err(too_large)?.to_le_bytes());
        entry.extend(0_u16.to_le_bytes());
        zip.extend(b"PK\x03\x04");
        zip.extend(&entry);
        zip.extend(name.as_bytes());
        zip.extend(body);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&entry);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let too_large = |_| failure("the package is too large");
    let at = u32::try_from(zip.len()).map_err(too_large)?;
    let size = u32::try_from(directory.len()).map_err(too_large)?;
    zip.extend(directory);
    zip.extend(b"PK\x05\x06\x00\x00\x00\x00");
    zip.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    zip.extend(size.to_le_bytes());
    zip.extend(at.to_le_bytes());
    zip.extend(0_u16.to_le_bytes());
    Ok(zip)
}
