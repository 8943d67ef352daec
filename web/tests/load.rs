//! Many people at once beside a running import.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "support/page.rs"]
mod page;
#[path = "../../tests/integration/support/mod.rs"]
mod umpin_support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use page::{DESK, Page, store};
use serde_json::json;
use umpin_support::{is_full_scale, run};

const AT_ONCE: usize = 32;

/// Under --all ten thousand.
fn views() -> usize {
    if is_full_scale() { 10_000 } else { 640 }
}

/// Resident memory of a process in KiB, as Linux tells it.
fn resident(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// Every view's time, in order of length; each must be answered with 200.
fn view(page: &Page, paths: &[String], total: usize) -> Vec<Duration> {
    let next = AtomicUsize::new(0);
    let times = Mutex::new(Vec::with_capacity(total));
    std::thread::scope(|scope| {
        for at in 0..AT_ONCE {
            let (next, times) = (&next, &times);
            scope.spawn(move || {
                let user = format!("Remote-User: user{at}@contoso.com");
                let groups = format!("Remote-Groups: {DESK}");
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= total {
                        return;
                    }
                    let began = Instant::now();
                    let path = &paths[n % paths.len()];
                    let reply = page.get(path, &[&user, &groups]);
                    assert_eq!(reply.status, 200, "{path}: {}", reply.body);
                    times.lock().unwrap().push(began.elapsed());
                }
            });
        }
    });
    let mut times = times.into_inner().unwrap();
    times.sort();
    times
}

/// Ends the import, also where a view failed.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn many_people_at_once_beside_an_import_are_all_answered_and_memory_stays_flat() {
    let f = store(200);
    let page = Page::behind_proxy(&f);
    let guid = f.state(7).guid.to_string();
    let paths: Vec<String> = vec![
        "/my".into(),
        format!("/people/{guid}"),
        "/people?q=User".into(),
        "/people/attention".into(),
        "/my/pin".into(),
    ];
    // Warm: every thread and connection is there.
    view(&page, &paths, 10 * AT_ONCE);
    let bare = view(&page, &["/signed-out".into()], views());
    let done = AtomicBool::new(false);
    let (shown, half, imports) = std::thread::scope(|scope| {
        let importing = scope.spawn(|| {
            let session = f.another();
            let mut imports = 0;
            while !done.load(Ordering::SeqCst) {
                let rows: Vec<_> = (0..500)
                    .map(|n| {
                        json!({
                            "Guid": format!("00000000-0000-4000-8000-{n:012}"),
                            "Name": format!("Import {n}"),
                            "DisplayName": format!("Import {n} of round {imports}"),
                            "Alias": format!("import{n}"),
                            "SamAccountName": format!("import{n}"),
                            "PrimarySmtpAddress": format!("import{n}@contoso.com"),
                            "DistinguishedName": format!("CN=Import {n},OU=Users,DC=contoso,DC=com"),
                        })
                    })
                    .collect();
                let step = |parameters| run(&session, "Import-UMRecipient", &parameters).unwrap();
                let id = step(json!({"Step": "Begin"})).objects[0]["Import"].clone();
                assert!(step(json!({"Step": "Rows", "Import": id, "Rows": rows})).errors.is_empty());
                while step(json!({"Step": "Apply", "Import": id, "Prune": false, "Force": false})).next.is_some() {}
                step(json!({"Step": "End", "Import": id}));
                imports += 1;
            }
            imports
        });
        let end = End(&done);
        let mut shown = view(&page, &paths, views() / 2);
        let half = resident(page.id());
        shown.extend(view(&page, &paths, views() / 2));
        shown.sort();
        drop(end);
        (shown, half, importing.join().unwrap())
    });
    assert!(imports >= 1);
    let at = |times: &[Duration], part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
    println!(
        "{} views by {AT_ONCE} at once beside {imports} imports of 500: median {:.1} ms, worst {:.1} ms; a bare page: \
         median {:.1} ms, worst {:.1} ms; ratios {:.1} and {:.1}",
        shown.len(),
        at(&shown, 0.5),
        at(&shown, 1.0),
        at(&bare, 0.5),
        at(&bare, 1.0),
        at(&shown, 0.5) / at(&bare, 0.5),
        at(&shown, 1.0) / at(&bare, 1.0),
    );
    if let (Some(half), Some(after)) = (half, resident(page.id())) {
        println!("memory: {half} KiB after half of the views, {after} KiB after all");
        // A leak grows with the views; the caches of the store's connections are full by then.
        assert!(after < half + 16 * 1024, "{half} KiB grew to {after} KiB");
    }
}
