//! Body and HTML of what the bot says.

use super::*;

#[test]
fn body_and_html_say_the_same() {
    let notice = Notice::of(line![
        "You are ",
        strong("Ann <3"),
        ", write ",
        code("help"),
        " or see ",
        link("here", "https://a.example/?a&b")
    ])
    .list(vec![
        line!["org/room *"],
        line![quiet_link("org/two", "https://matrix.to/#/!x:y")],
    ]);
    assert_eq!(
        notice.body(),
        "You are Ann <3, write `help` or see here (https://a.example/?a&b)\n- org/room *\n- org/two"
    );
    assert_eq!(
        notice.html(),
        "<p>You are <strong>Ann &lt;3</strong>, write <code>help</code> or see <a href=\"https://a.example/?a&amp;b\">here</a></p>\
             <ul><li>org/room *</li><li><a href=\"https://matrix.to/#/!x:y\">org/two</a></li></ul>"
    );
}

#[test]
fn nothing_from_outside_begins_a_line() {
    let notice = Notice::of(line!["Name: ", "a\n- b\u{7}"]);
    assert_eq!(notice.body(), "Name: a - b ");
    assert_eq!(notice.html(), "<p>Name: a - b </p>");
}

#[test]
fn what_is_said_back_fits_into_an_event() {
    for long in ["<", "&", "\"", "\u{7}", "ü", "😀", "\\"].map(|c| c.repeat(20_000)) {
        let line = line![
            "“",
            strong(&long),
            "” or “",
            code(&long),
            link(&long, "https://a.example"),
            "”"
        ];
        for content in Notice::of(line).heading(&long).contents() {
            assert!(content.to_string().len() < 40_000);
        }
    }
    assert!(Notice::of(line!["x".repeat(501)]).body().ends_with("x…"));
}

#[test]
fn a_long_list_goes_on_in_another_message() {
    let lines = (0..3000)
        .map(|n| line![format!("organisation/room-number-{n}")])
        .collect();
    let contents = Notice::of(line!["Rooms:"]).list(lines).contents();
    assert!(contents.len() > 1);
    let mut seen = 0;
    for content in &contents {
        assert!(content.to_string().len() < 60_000);
        seen += content["body"]
            .as_str()
            .unwrap()
            .lines()
            .filter(|line| line.starts_with("- "))
            .count();
    }
    assert_eq!(seen, 3000);
}

#[test]
fn numbers_go_on_after_a_cut() {
    let lines = (1..=2000)
        .map(|n| {
            (
                n,
                line![format!("organisation/room-number-{n}: some words")],
            )
        })
        .collect();
    let contents = Notice::new().numbered(lines).contents();
    let second = contents[1]["body"].as_str().unwrap();
    let first_number: usize = second.split('.').next().unwrap().parse().unwrap();
    assert!(
        contents[1]["formatted_body"]
            .as_str()
            .unwrap()
            .starts_with(&format!("<ol start=\"{first_number}\">"))
    );
}
