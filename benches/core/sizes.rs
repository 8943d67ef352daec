//! Cost against size: what `among` and `import` measure, at every power of ten. `tools/draw-sizes.ps1` draws it.

use std::fmt::Write;
use std::path::Path;

use super::{Among, Imported, among_so_many, import_so_many};

/// Processor time is told in hundredths of a second, so that fewer rows would say little.
const FEWEST_ROWS: usize = 20_000;

pub fn measure(folder: &Path, many: usize) {
    let mut text = format!(
        "# What it costs among so many mailboxes; times in microseconds.\n# {}\n# {}\n",
        "UMPIN_BENCH_MAILBOXES=1000000 UMPIN_BENCH_SIZES=docs/pictures/sizes.csv cargo bench --bench core -- sizes",
        machine()
    );
    let mut count = 1_000;
    while count <= many {
        let folder = folder.join(format!("{count}"));
        std::fs::create_dir(&folder).unwrap();
        let among = among_so_many(&folder, count);
        let imported = import_so_many(&folder, count, FEWEST_ROWS.div_ceil(count));
        std::fs::remove_dir_all(&folder).unwrap();
        let columns = columns(&among, &imported);
        if count == 1_000 {
            text += "mailboxes";
            for (what, _) in &columns {
                write!(text, ",\"{what}\"").unwrap();
            }
            text += "\n";
        }
        write!(text, "{count}").unwrap();
        for (_, figure) in &columns {
            write!(text, ",{figure:.1}").unwrap();
        }
        text += "\n";
        count *= 10;
    }
    match std::env::var_os("UMPIN_BENCH_SIZES") {
        Some(file) => std::fs::write(file, &text).unwrap(),
        None => print!("{text}"),
    }
}

fn columns(among: &Among, imported: &Imported) -> Vec<(&'static str, f64)> {
    let mut columns = vec![
        ("look-up", among.look_up),
        ("bare read", among.bare_read),
        ("look-up in a list's order", among.in_list_order),
    ];
    columns.extend(&among.answers);
    columns.push(("bytes a mailbox", among.bytes_a_mailbox as f64));
    columns.push(("import, rows a second of processor time", imported.rows_a_processor_second));
    columns
}

/// The day, the processor, its cores, and how busy they were as it began.
fn machine() -> String {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let processor = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| Some(line.strip_prefix("model name")?.trim_start_matches([' ', '\t', ':']).to_owned()))
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().unwrap();
    let day = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let load = read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned();
    format!("{day}, {processor}, {cores} cores, {}, load {load} before", std::env::consts::OS)
}
