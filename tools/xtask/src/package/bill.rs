//! The bills of materials, in CycloneDX's JSON: what is linked into the library and the command, and into the page.

use super::Packaging;
use crate::Failure;
use crate::failure;
use crate::process::output;

/// `umpin-<version>.cdx.json` of the crate `ummailboxpin` in the checkout's root, and so on.
pub fn make(packaging: &Packaging, name: &str, folder: &str) -> Result<(), Failure> {
    let machine = packaging.machine;
    let this = if name == "umpin" { "ummailboxpin" } else { name };
    let words = ["tree", "--edges", "normal", "--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"];
    let Some(tree) = output(machine.command("cargo").args(words).current_dir(machine.root.join(folder))) else {
        return Err(failure(format!("the bill of materials of {name} cannot be made: cargo tree failed.")));
    };
    let file = packaging.out.join(format!("{name}-{}.cdx.json", packaging.version));
    packaging.write(&file, document(this, &packaging.version, packaging.time, &tree))
}

/// `tree` has lines like `csv v1.4.0|Unlicense/MIT` and, for macros, `serde_derive v1.0.0 (proc-macro)|MIT`.
fn document(this: &str, version: &str, time: u64, tree: &str) -> String {
    let linked = tree.lines().filter(|line| !line.contains("(proc-macro)") && !line.starts_with(&format!("{this} v")));
    let mut components: Vec<_> = linked.filter_map(component).collect();
    components.sort();
    components.dedup();
    format!(
        "\
{{
  \"bomFormat\": \"CycloneDX\",
  \"specVersion\": \"1.5\",
  \"version\": 1,
  \"metadata\": {{
    \"timestamp\": \"{}\",
    \"component\": {{
      \"type\": \"application\",
      \"bom-ref\": \"pkg:cargo/{this}@{version}\",
      \"name\": \"{this}\",
      \"version\": \"{version}\",
      \"licenses\": [{{ \"expression\": \"MIT OR Apache-2.0\" }}]
    }}
  }},
  \"components\": [
{}
  ]
}}
",
        timestamp(time),
        components.join(",\n")
    )
}

fn component(line: &str) -> Option<String> {
    let (package, license) = line.split_once('|')?;
    let mut words = package.split(' ');
    let name = words.next()?;
    let version = words.next()?.strip_prefix('v')?;
    // An old way of writing it, which SPDX does not have.
    let license = license.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ");
    let licenses = match license.is_empty() {
        true => String::new(),
        false => format!(", \"licenses\": [{{ \"expression\": \"{license}\" }}]"),
    };
    let url = format!("pkg:cargo/{name}@{version}");
    Some(format!(
        "    {{ \"type\": \"library\", \"bom-ref\": \"{url}\", \"name\": \"{name}\", \"version\": \"{version}\", \
         \"purl\": \"{url}\"{licenses} }}"
    ))
}

/// RFC 3339, in UTC.
fn timestamp(time: u64) -> String {
    let (mut days, seconds) = (time / 86_400, time % 86_400);
    let mut year = 1970;
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_linked_crate_stands_in_the_bill_once_with_its_licence() {
        let tree = "ummailboxpin v0.1.0 (/src)|MIT OR Apache-2.0\ncsv v1.4.0|Unlicense/MIT\ncsv v1.4.0|Unlicense/MIT\n\
                    serde_derive v1.0.0 (proc-macro)|MIT\nlibc v0.2.1|\nhyper v1.0.0|Apache-2.0 / MIT\n";
        let text = document("ummailboxpin", "0.1.0", 0, tree);
        assert_eq!(text.matches("pkg:cargo/csv@1.4.0\", \"name\"").count(), 1, "{text}");
        assert!(text.contains("\"expression\": \"Unlicense OR MIT\""), "{text}");
        assert!(text.contains("\"expression\": \"Apache-2.0 OR MIT\""), "{text}");
        assert!(!text.contains("serde_derive"), "{text}");
        assert_eq!(text.matches("ummailboxpin").count(), 2, "{text}");
        assert!(text.contains("\"purl\": \"pkg:cargo/libc@0.2.1\" }"), "{text}");
    }

    #[test]
    fn days_are_counted_over_leap_years() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(timestamp(1_767_225_599), "2025-12-31T23:59:59Z");
        assert_eq!(timestamp(1_767_225_600), "2026-01-01T00:00:00Z");
    }
}
