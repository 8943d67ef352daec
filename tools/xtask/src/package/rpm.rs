//! The same files as the Debian packages' for Enterprise Linux, Fedora and SUSE.

use std::path::PathBuf;
use std::time::Duration;

use super::Packaging;
use super::host::{self, HostPackage};
use crate::Failure;
use crate::console::step;
use crate::machine::{Machine, find_program};
use crate::module::files_below;
use crate::process::logged;

/// `Err(why)` inside: it cannot be made here.
pub fn make(packaging: &Packaging, package: &HostPackage) -> Result<Result<(), String>, Failure> {
    let machine = packaging.machine;
    let platform = package.platform;
    let rpmbuild = match find_rpmbuild(machine) {
        Ok(rpmbuild) => rpmbuild,
        Err(why) => return Ok(Err(why)),
    };
    let name = format!("{}-{}-1.{}", package.name, packaging.version, platform.rpm);
    let root = packaging.work.join(&name);
    package.lay_out(packaging, &root)?;
    host::set_modes(&root)?;
    let files: Vec<_> = files_below(&root)?.iter().map(|file| format!("/{}", file.display())).collect();
    let scripts = format!("contrib/debian/{}", package.name);
    let specification = package
        .fill_in(packaging, &format!("contrib/rpm/{}.spec", package.name))?
        .replace("@POSTINST@", &body_of(&packaging.read(&format!("{scripts}/postinst"))?))
        .replace("@PRERM@", &body_of(&packaging.read(&format!("{scripts}/prerm"))?))
        .replace("@FILES@", &files.join("\n"));
    let spec = packaging.work.join(format!("{name}.spec"));
    packaging.write(&spec, specification)?;
    let top = packaging.work.join(format!("{name}.rpmbuild"));
    let mut command = machine.command(rpmbuild);
    command.env("SOURCE_DATE_EPOCH", packaging.time.to_string());
    command.args(["-bb", "--target", platform.rpm]).arg(&spec);
    for (name, value) in [
        ("payload", root.display().to_string()),
        ("_topdir", top.display().to_string()),
        ("_rpmdir", packaging.out.display().to_string()),
        ("_rpmfilename", format!("{name}.rpm")),
        ("_dbpath", top.join("db").display().to_string()),
        // The same each time, wherever it is made.
        ("use_source_date_epoch_as_buildtime", "1".to_owned()),
        ("clamp_mtime_to_source_date_epoch", "1".to_owned()),
        ("_buildhost", "localhost".to_owned()),
        ("_binary_payload", "w9.gzdio".to_owned()),
        // What is compiled and stripped is left as it is.
        ("__os_install_post", "%{nil}".to_owned()),
        ("debug_package", "%{nil}".to_owned()),
        ("_build_id_links", "none".to_owned()),
    ] {
        command.arg("--define").arg(format!("{name} {value}"));
    }
    packaging.must(&format!("{name}.rpm"), "rpmbuild", &mut command)?;
    Ok(Ok(()))
}

fn find_rpmbuild(machine: &Machine) -> Result<PathBuf, String> {
    if let Some(program) = find_program("rpmbuild") {
        return Ok(program);
    }
    let fetched = machine.test_tools().join("rpm").join("bin").join("rpmbuild");
    if !fetched.is_file() {
        let mut command = machine.command("bash");
        command.arg("tools/rpm-tools.sh");
        let ended =
            step("tools/rpm-tools.sh", || logged(machine, "rpm-tools", &mut command, Some(Duration::from_secs(600))));
        if !ended.well() {
            let log = machine.read_log("rpm-tools");
            let why = log.lines().find_map(|line| line.strip_prefix("rpm-tools: "));
            return Err(format!("tools/rpm-tools.sh: {}", why.unwrap_or("see above")));
        }
    }
    Ok(fetched)
}

/// A script without its first line. rpm takes a percent sign for the beginning of a macro.
fn body_of(script: &str) -> String {
    script.lines().skip(1).collect::<Vec<_>>().join("\n").replace('%', "%%")
}
