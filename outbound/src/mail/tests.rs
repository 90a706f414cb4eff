//! Letters as they are written. How they are handed over is tested with a server, where the processes are.

use chrono::DateTime;
use uuid::Uuid;

use super::{EmailAddress, Letter, MailSettings, Smtp};

fn settings(url: &str, from: &str) -> MailSettings {
    MailSettings {
        url: url.into(),
        from: from.to_owned(),
    }
}

fn letter(text: &str) -> Letter {
    Letter {
        id: Uuid::from_u128(7),
        to: "bo@example.org".parse().unwrap(),
        subject: "Züge".to_owned(),
        text: text.to_owned(),
        at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
    }
}

#[test]
fn an_address_is_one_and_is_not_printed() {
    for text in [
        "",
        "bo",
        "bo@",
        "@example.org",
        "a@b\r\nBcc: c@d",
        "Bo <bo@example.org>",
        "a b@example.org",
    ] {
        assert!(text.parse::<EmailAddress>().is_err(), "{text:?}");
    }
    assert!(
        format!("{}@example.org", "x".repeat(250))
            .parse::<EmailAddress>()
            .is_err()
    );
    let address: EmailAddress = "bo@example.org".parse().unwrap();
    assert_eq!(address.reveal(), "bo@example.org");
    assert!(!format!("{address:?} {:?}", letter("Hello")).contains("example"));
}

#[test]
fn html_says_what_the_text_says_and_no_more() {
    let html = letter("Hello <b>,\n\nSee\nhttps://x.example/a?b=1&c=2\n\nBye").html();
    let paragraphs: Vec<&str> = html
        .lines()
        .filter(|line| line.starts_with("<p>") || line.starts_with("<a"))
        .collect();
    assert_eq!(
        paragraphs,
        [
            "<p>Hello &lt;b&gt;,</p>",
            "<p>See<br>",
            "<a href=\"https://x.example/a?b=1&amp;c=2\">https://x.example/a?b=1&amp;c=2</a></p>",
            "<p>Bye</p>",
        ]
    );
}

#[test]
fn settings_are_judged_and_their_password_is_not_told() {
    let from = "Night Talks <tickets@example.org>";
    for url in [
        "smtps://u:p@mail.example.org",
        "smtp://mail.example.org:587?tls=required",
        "smtp://127.0.0.1:25",
    ] {
        assert!(Smtp::check(&settings(url, from)).is_ok(), "{url}");
    }
    let error = Smtp::check(&settings("https://u:hunter2@mail.example.org", from)).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
    assert!(Smtp::check(&settings("smtp://mail.example.org", "nobody")).is_err());
    assert!(!format!("{:?}", settings("smtp://u:hunter2@h", from)).contains("hunter2"));
}

#[tokio::test]
async fn the_same_letter_has_the_same_name() {
    let smtp = Smtp::new(&settings("smtp://127.0.0.1:25", "Night Talks <tickets@example.org>")).unwrap();
    let written = smtp.write(&letter("Hello")).unwrap().formatted();
    let text = String::from_utf8(written).unwrap();
    assert!(
        text.contains("Message-ID: <00000000-0000-0000-0000-000000000007@example.org>"),
        "{text}"
    );
    assert!(text.contains("Auto-Submitted: auto-generated"), "{text}");
    assert!(text.contains("multipart/alternative"), "{text}");
}
