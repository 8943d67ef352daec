//! The modules as packages for the PowerShell Gallery: NuGet's format, with what Publish-PSResource would put in.

use std::collections::BTreeMap;
use std::fs;

use super::native::Native;
use super::sign::sign;
use super::{Packaging, Signing, release_notes, zip};
use crate::console::{Parts, say};
use crate::module::{MODULES, files_below};
use crate::{Failure, failure};

pub fn make(packaging: &Packaging, natives: &[Native], parts: &mut Parts) -> Result<(), Failure> {
    for name in MODULES {
        let folder = packaging.work.join("module").join(name);
        let built = packaging.machine.module_folder().join(name);
        for file in files_below(&built)? {
            // The libraries come from the platforms that were built for this package, not from what lies there.
            let top = file.iter().next().unwrap_or_default().to_string_lossy();
            if file.iter().count() == 1 || !["linux-", "osx-", "win-"].iter().any(|os| top.starts_with(os)) {
                packaging.copy(&built.join(&file), &folder.join(&file))?;
            }
        }
        if name == MODULES[0] {
            for native in natives {
                let file = native.library.file_name().unwrap_or_default();
                packaging.copy(&native.library, &folder.join(native.platform.name).join(file))?;
            }
        }
        if packaging.signing == Signing::Certificate {
            sign(packaging, &folder, parts)?;
        }
        pack(packaging, name)?;
    }
    if packaging.signing == Signing::None {
        say("the modules are unsigned (--sign)");
    }
    Ok(())
}

fn pack(packaging: &Packaging, name: &str) -> Result<(), Failure> {
    let folder = packaging.work.join("module").join(name);
    let package = packaging.work.join("nupkg").join(name);
    for file in files_below(&folder)? {
        packaging.copy(&folder.join(&file), &package.join(&file))?;
    }
    packaging.copy(&packaging.machine.root.join("contrib/package/icon.png"), &package.join("icon.png"))?;
    let manifest = packaging.read(&format!("powershell/{name}/{name}.psd1"))?;
    let notes = release_notes(&packaging.read("CHANGELOG.md")?, &packaging.version);
    let specification = specification(name, &packaging.version, &manifest, &notes);
    packaging.write(&package.join(format!("{name}.nuspec")), specification)?;
    packaging.write(&package.join("_rels/.rels"), relations(name))?;
    let names: Vec<String> = files_below(&package)?
        .iter()
        .map(|file| file.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"))
        .collect();
    packaging.write(&package.join("[Content_Types].xml"), content_types(&names))?;
    let names: Vec<String> = names.into_iter().chain(["[Content_Types].xml".to_owned()]).collect();
    let file = packaging.out.join(format!("{name}.{}.nupkg", packaging.version));
    packaging.write(&file, zip::make(packaging.machine, &package, &names)?)?;
    let size = fs::metadata(&file).map_err(|e| failure(format!("{}: {e}", file.display())))?.len();
    say(&format!("{name}.{}.nupkg ({} files, {} KB)", packaging.version, names.len(), size / 1024));
    Ok(())
}

fn specification(name: &str, version: &str, manifest: &str, notes: &str) -> String {
    let value = |key| value_of(manifest, key).unwrap_or_default();
    let mut tags = list_of(manifest, "Tags");
    tags.push("PSModule".to_owned());
    let cmdlets = list_of(manifest, "CmdletsToExport");
    if !cmdlets.is_empty() {
        tags.push("PSIncludes_Cmdlet".to_owned());
    }
    // The Gallery finds a command by these.
    for prefix in ["PSCmdlet", "PSCommand"] {
        tags.extend(cmdlets.iter().map(|cmdlet| format!("{prefix}_{cmdlet}")));
    }
    let dependency = if name == MODULES[0] {
        String::new()
    } else {
        format!(
            "\n    <dependencies>\n      <dependency id=\"{}\" version=\"{version}\" />\n    </dependencies>",
            MODULES[0]
        )
    };
    format!(
        "\
<?xml version=\"1.0\" encoding=\"utf-8\"?>
<package xmlns=\"http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd\">
  <metadata>
    <id>{name}</id>
    <version>{version}</version>
    <authors>{}</authors>
    <owners>{}</owners>
    <requireLicenseAcceptance>false</requireLicenseAcceptance>
    <license type=\"expression\">MIT OR Apache-2.0</license>
    <icon>icon.png</icon>
    <description>{}</description>
    <releaseNotes>{}</releaseNotes>
    <copyright>{}</copyright>
    <tags>{}</tags>{dependency}
  </metadata>
</package>
",
        escape(&value("Author")),
        escape(&value("CompanyName")),
        escape(&value("Description")),
        escape(notes),
        escape(&value("Copyright")),
        escape(&tags.join(" ")),
    )
}

/// The text of `Key = '...'` or `Key = "..."` in a PowerShell manifest.
fn value_of(manifest: &str, key: &str) -> Option<String> {
    let value = manifest.lines().find_map(|line| {
        let rest = line.trim_start().strip_prefix(key)?.trim_start().strip_prefix('=')?.trim();
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        rest[1..].rsplit_once(quote).map(|(text, _)| text.replace("''", "'"))
    })?;
    Some(value)
}

/// The texts of `Key = @(...)` in a PowerShell manifest.
fn list_of(manifest: &str, key: &str) -> Vec<String> {
    let begins = |line: &&str| line.trim_start().strip_prefix(key).is_some_and(|r| r.trim_start().starts_with('='));
    let lines = manifest.lines().skip_while(|line| !begins(line)).filter(|line| !line.trim_start().starts_with('#'));
    let body = lines.collect::<Vec<_>>().join("\n");
    body.split(')').next().unwrap_or_default().split('\'').skip(1).step_by(2).map(str::to_owned).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn relations(name: &str) -> String {
    format!(
        "\
<?xml version=\"1.0\" encoding=\"utf-8\"?>
<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">
  <Relationship Type=\"http://schemas.microsoft.com/packaging/2010/07/manifest\" Target=\"/{name}.nuspec\" Id=\"R0\" />
</Relationships>
"
    )
}

fn content_types(names: &[String]) -> String {
    let mut types = BTreeMap::new();
    let mut overrides = String::new();
    for name in names {
        let last = name.rsplit('/').next().unwrap_or(name);
        match last.rsplit_once('.') {
            Some((_, "rels")) => {
                types.insert("rels".to_owned(), "application/vnd.openxmlformats-package.relationships+xml");
            }
            Some((_, extension)) => {
                types.insert(extension.to_lowercase(), "application/octet");
            }
            None => overrides.push_str(&format!(
                "  <Override PartName=\"/{}\" ContentType=\"application/octet\" />\n",
                escape(name)
            )),
        }
    }
    let defaults: String = types
        .iter()
        .map(|(extension, kind)| format!("  <Default Extension=\"{extension}\" ContentType=\"{kind}\" />\n"))
        .collect();
    format!(
        "\
<?xml version=\"1.0\" encoding=\"utf-8\"?>
<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">
{defaults}{overrides}</Types>
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "@{
    Author                 = 'The maintainers'
    Description            = \"Exchange's cmdlets <here>\"
    CmdletsToExport        = @(
        'Get-A'
        'Set-A'
    )
    PrivateData            = @{ PSData = @{
            Tags = @('Exchange', 'PIN')
    } }
}";

    #[test]
    fn the_package_tells_what_the_manifest_tells() {
        let text = specification("UMMailboxPin.ExchangeCompat", "1.2.3", MANIFEST, "- a & b");
        for part in [
            "<version>1.2.3</version>",
            "<authors>The maintainers</authors>",
            "<description>Exchange's cmdlets &lt;here&gt;</description>",
            "<releaseNotes>- a &amp; b</releaseNotes>",
            "<tags>Exchange PIN PSModule PSIncludes_Cmdlet PSCmdlet_Get-A PSCmdlet_Set-A PSCommand_Get-A",
            "<dependency id=\"UMMailboxPin\" version=\"1.2.3\" />",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!specification("UMMailboxPin", "1.2.3", MANIFEST, "").contains("<dependency"));
    }

    #[test]
    fn every_file_has_a_content_type() {
        let names = ["a.psd1", "LICENSE-MIT", "_rels/.rels", "linux-x64/umpin.so"].map(str::to_owned);
        let text = content_types(&names);
        for part in ["Extension=\"psd1\"", "PartName=\"/LICENSE-MIT\"", "Extension=\"rels\"", "Extension=\"so\""] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}
