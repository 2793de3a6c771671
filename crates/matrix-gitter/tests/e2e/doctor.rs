//! `doctor`: what it finds, and says.

use std::path::Path;

use crate::scene::{Result, Scene};
use crate::shell::run;

/// "`doctor`: checks everything an admin can get wrong, prints one line per check (ok / warning / failed, and how to
/// mend it)". "13 = homeserver unreachable or refused us (only `doctor` exits on this …)".
#[tokio::test]
async fn doctor_finds_what_is_wrong() -> Result {
    let scene = Scene::start().await?;
    let file = scene.bridge.config_file();
    let home = file.parent().unwrap_or(Path::new("/")).to_owned();
    let registered = run(&home, &["register", "-c", "config.yaml"], &[]).await?;
    assert_eq!(registered.status, 0, "{}", registered.err);
    let well = run(&home, &["doctor", "-c", "config.yaml"], &[]).await?;
    let said = format!("{}{}", well.out, well.err);
    assert_eq!(well.status, 0, "{said}");
    assert!(!said.contains("failed"), "{said}");
    assert!(
        said.lines().filter(|line| line.contains("ok")).count() >= 8,
        "{said}"
    );

    let refused = "wrong-as-token-of-forty-characters-length";
    for (key, value, status) in [
        (
            "MATRIX_GITTER_HOMESERVER__ADDRESS",
            "http://127.0.0.1:9",
            13,
        ),
        // The registration is not this configuration's any more; that comes first.
        ("MATRIX_GITTER_APPSERVICE__AS_TOKEN", refused, 10),
    ] {
        let ill = run(&home, &["doctor", "-c", "config.yaml"], &[(key, value)]).await?;
        let said = format!("{}{}", ill.out, ill.err);
        assert_eq!(ill.status, status, "{key}: {said}");
        assert!(said.contains("failed"), "{key}: {said}");
        let token = &scene.bridge.slot().as_token;
        assert!(!said.contains(token.as_str()), "a token was shown");
        if value == refused {
            let blamed = said.lines().any(|line| line.contains("as_token: "));
            assert!(blamed && !said.contains("is it running"), "{said}");
        }
    }
    Ok(())
}
