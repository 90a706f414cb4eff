//! The figures for people.

use std::fmt::Write as _;

use super::Figures;
use super::figures::Times;

/// A table, as Markdown has them.
pub(crate) fn text(figures: &Figures) -> String {
    let Figures {
        url,
        listeners,
        speakers,
        seconds,
        ..
    } = figures;
    let mut text = format!("{url}: {listeners} listeners, {speakers} speakers, {seconds} seconds\n\n");
    text.push_str("| | count | p50 ms | p99 ms | longest ms | |\n| --- | ---: | ---: | ---: | ---: | --- |\n");
    for joins in &figures.joins {
        let outside = match joins.stayed_outside {
            0 => String::new(),
            outside => format!("{outside} stayed outside"),
        };
        row(
            &mut text,
            &format!("came until {} s", joins.until_seconds),
            &joins.took,
            &outside,
        );
    }
    row(&mut text, "first sound after coming in", &figures.audio.first_sound, "");
    row(
        &mut text,
        "permission, until the client is told",
        &figures.permissions,
        "",
    );
    row(&mut text, "removal, until the client is out", &figures.removals, "");
    let audio = &figures.audio;
    let _ = writeln!(
        text,
        "\naudio: {} of {} pairs heard, {} of the time (the worst pair {}), longest silence {} ms, {} pairs silent for a second",
        audio.pairs - audio.never_heard,
        audio.pairs,
        percent(audio.heard_permille),
        percent(audio.heard_permille_least),
        audio.longest_silence_ms,
        audio.silent_for_a_second,
    );
    let processors = &figures.processors;
    let cores = |millicores: Option<u64>| millicores.map_or("not seen".to_owned(), thousandths);
    let memory = processors
        .media_server_memory_mb
        .map_or(String::new(), |mb| format!(", {mb} MB"));
    let _ = writeln!(
        text,
        "cores of {}: media server {}{memory}; clients {}",
        processors.cores,
        cores(processors.media_server_millicores),
        cores(processors.clients_millicores),
    );
    text
}

fn row(text: &mut String, name: &str, times: &Times, remark: &str) {
    let Times {
        count,
        missing,
        p50_ms,
        p99_ms,
        longest_ms,
    } = times;
    let missing = match missing {
        0 => String::new(),
        missing => format!("{missing} never"),
    };
    let _ = writeln!(
        text,
        "| {name} | {count} | {p50_ms} | {p99_ms} | {longest_ms} | {remark}{missing} |"
    );
}

fn percent(permille: u64) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

fn thousandths(value: u64) -> String {
    format!("{}.{:02}", value / 1_000, value % 1_000 / 10)
}
