//! The command line: exit statuses, `init`, `register`, `version`, and how wrong configurations are refused.

use std::path::Path;

use serde_json::Value;
use testbed::scratch;
use testbed::synapse;
use tokio::process::Command;

use crate::scene::{PROGRAM, Result, Scene};
use crate::shell::{good, run};

/// "`init`: writes a commented example configuration with fresh random secrets, never over an existing file. `-e` is its
/// alias." And: "11 = configuration still has example values".
#[tokio::test]
async fn init_writes_an_example_once() -> Result {
    let home = scratch::directory("init")?;
    let file = home.path().join("config.yaml");
    assert_eq!(run(home.path(), &["init"], &[]).await?.status, 0);
    let first = std::fs::read_to_string(&file)?;
    assert!(first.contains("# "), "no comments");
    let again = run(home.path(), &["init", "-c", "config.yaml"], &[]).await?;
    assert_ne!(again.status, 0);
    assert_eq!(std::fs::read_to_string(&file)?, first);
    assert_eq!(
        run(home.path(), &["-e", "-c", "other.yaml"], &[])
            .await?
            .status,
        0
    );
    assert_ne!(
        std::fs::read_to_string(home.path().join("other.yaml"))?,
        first,
        "the same secrets"
    );
    // It must be edited first.
    let unedited = run(home.path(), &["run", "-c", "config.yaml"], &[]).await?;
    assert_eq!(unedited.status, 11, "{}", unedited.err);
    assert_eq!(
        run(home.path(), &["-c", "config.yaml"], &[]).await?.status,
        11
    );
    Ok(())
}

/// "`register`: writes the registration for the homeserver. `-g` is its alias." Its content is section 3's.
#[tokio::test]
async fn register_writes_what_the_homeserver_needs() -> Result {
    let home = scratch::directory("register")?;
    let config = good().await?;
    std::fs::write(home.path().join("config.yaml"), config.to_string())?;
    let ran = run(
        home.path(),
        &["register", "-c", "config.yaml", "-r", "r.yaml"],
        &[],
    )
    .await?;
    assert_eq!(ran.status, 0, "{}", ran.err);
    let written = std::fs::read_to_string(home.path().join("r.yaml"))?;
    for promised in [
        config["appservice"]["id"].as_str().unwrap_or_default(),
        config["appservice"]["as_token"]
            .as_str()
            .unwrap_or_default(),
        config["appservice"]["hs_token"]
            .as_str()
            .unwrap_or_default(),
        config["appservice"]["address"].as_str().unwrap_or_default(),
        "rate_limited: false",
        "receive_ephemeral: true",
        "de.sorunome.msc2409.push_ephemeral: true",
        "exclusive: true",
        "sender_localpart:",
    ] {
        assert!(
            written.contains(promised),
            "{promised} is missing in:\n{written}"
        );
    }
    let short = run(
        home.path(),
        &["-g", "-c", "config.yaml", "-r", "r2.yaml"],
        &[],
    )
    .await?;
    assert_eq!(short.status, 0, "{}", short.err);
    assert_eq!(
        std::fs::read_to_string(home.path().join("r2.yaml"))?,
        written
    );
    Ok(())
}

/// "It must be accepted by Synapse as written", and the program runs with it.
#[tokio::test]
async fn synapse_accepts_the_registration_as_written() -> Result {
    let home = scratch::directory("accepted")?;
    let mut config = good().await?;
    let port = testbed::ports::reserve()?;
    config["homeserver"]["address"] = format!("http://127.0.0.1:{port}").into();
    std::fs::write(home.path().join("config.yaml"), config.to_string())?;
    let ran = run(
        home.path(),
        &["register", "-c", "config.yaml", "-r", "r.yaml"],
        &[],
    )
    .await?;
    assert_eq!(ran.status, 0, "{}", ran.err);
    let options = synapse::Options {
        registrations: vec![home.path().join("r.yaml")],
        port: Some(port),
        ..synapse::Options::default()
    };
    let own = synapse::Synapse::start(options, &testbed::progress::Lines).await?;
    let whoami = own.base().join("_matrix/client/v3/account/whoami")?;
    let token = config["appservice"]["as_token"]
        .as_str()
        .unwrap_or_default();
    let answer: Value = testbed::http::client()?
        .get(whoami)
        .bearer_auth(token)
        .send()
        .await?
        .json()
        .await?;
    let bot = config["appservice"]["bot"]["username"]
        .as_str()
        .unwrap_or_default();
    assert_eq!(answer["user_id"], format!("@{bot}:{}", synapse::DOMAIN));
    Ok(())
}

/// "`version`: name, version, commit". "2 = wrong usage".
#[tokio::test]
async fn version_and_wrong_usage() -> Result {
    let home = scratch::directory("version")?;
    let version = run(home.path(), &["version"], &[]).await?;
    assert_eq!(version.status, 0);
    assert!(version.out.starts_with("matrix-gitter "), "{}", version.out);
    assert!(
        version.out.contains(env!("CARGO_PKG_VERSION")),
        "{}",
        version.out
    );
    for wrong in [&["dance"][..], &["run", "--no-such"], &["register", "-c"]] {
        assert_eq!(run(home.path(), wrong, &[]).await?.status, 2, "{wrong:?}");
    }
    Ok(())
}

/// "10 = configuration refused": one clear message each, before anything is changed.
#[tokio::test]
async fn wrong_configurations_are_refused_in_words() -> Result {
    let home = scratch::directory("wrong")?;
    let good = good().await?;
    let missing = run(home.path(), &["run", "-c", "nowhere.yaml"], &[]).await?;
    assert_eq!(missing.status, 10, "{}", missing.err);
    assert!(missing.err.contains("nowhere.yaml"), "{}", missing.err);

    let cases: [(&str, Value, &str); 6] = [
        ("/homeserver/adress", "x".into(), "address"),
        (
            "/homeserver/address",
            "not a url".into(),
            "homeserver.address",
        ),
        ("/appservice/port", 99_999.into(), "65535"),
        ("/bridge/secret_key", "c2hvcnQ=".into(), "secret_key"),
        (
            "/bridge/invites",
            serde_json::json!({ "policy": "some" }),
            "all, none",
        ),
        (
            "/appservice/username_template",
            "ghost".into(),
            "username_template",
        ),
    ];
    for (pointer, value, named) in cases {
        let mut config = good.clone();
        let mut place = &mut config;
        for part in pointer.split('/').skip(1) {
            place = &mut place[part];
        }
        *place = value;
        std::fs::write(home.path().join("config.yaml"), format!("{config:#}"))?;
        let ran = run(home.path(), &["run", "-c", "config.yaml"], &[]).await?;
        assert_eq!(ran.status, 10, "{pointer}: {}", ran.err);
        assert!(ran.err.contains(named), "{pointer}: {}", ran.err);
        let secret = good["appservice"]["as_token"].as_str().unwrap_or_default();
        assert!(!ran.err.contains(secret), "a token was shown");
    }
    let database = good["database"]["uri"]
        .as_str()
        .unwrap_or_default()
        .trim_start_matches("sqlite:");
    assert!(!Path::new(database).exists(), "a database was made");
    Ok(())
}

/// "Unknown keys are refused with file, line and the nearest known key."
#[tokio::test]
async fn unknown_keys_are_refused_with_file_and_line() -> Result {
    let home = scratch::directory("unknown")?;
    assert_eq!(run(home.path(), &["init"], &[]).await?.status, 0);
    let file = home.path().join("config.yaml");
    let text = std::fs::read_to_string(&file)?;
    let wrong = text.replacen("  hostname:", "  hostnaem:", 1);
    assert_ne!(text, wrong);
    std::fs::write(&file, &wrong)?;
    let line = wrong
        .lines()
        .position(|line| line.contains("hostnaem:"))
        .unwrap_or_default()
        + 1;
    let ran = run(home.path(), &["run", "-c", "config.yaml"], &[]).await?;
    assert_eq!(ran.status, 10, "{}", ran.err);
    for part in ["config.yaml", "hostnaem", "hostname", &line.to_string()] {
        assert!(ran.err.contains(part), "{part:?} is missing in {}", ran.err);
    }
    Ok(())
}

/// "Every setting can be overridden by the environment: `MATRIX_GITTER_<SECTION>__<KEY>`; with the suffix `_FILE` the
/// value is read from that file."
#[tokio::test]
async fn the_environment_overrides() -> Result {
    let home = scratch::directory("environment")?;
    std::fs::write(home.path().join("config.yaml"), good().await?.to_string())?;
    std::fs::write(home.path().join("token"), "token-from-a-file\n")?;
    let environment = [
        ("MATRIX_GITTER_APPSERVICE__ID", "from-the-environment"),
        ("MATRIX_GITTER_APPSERVICE__AS_TOKEN_FILE", "token"),
        ("MATRIX_GITTER_APPSERVICE__BOT__USERNAME", "robot"),
    ];
    let ran = run(
        home.path(),
        &["register", "-c", "config.yaml", "-r", "r.yaml"],
        &environment,
    )
    .await?;
    assert_eq!(ran.status, 0, "{}", ran.err);
    let written = std::fs::read_to_string(home.path().join("r.yaml"))?;
    for part in ["from-the-environment", "token-from-a-file", "robot"] {
        assert!(written.contains(part), "{part} is missing in:\n{written}");
    }
    let unknown = [("MATRIX_GITTER_APPSERVICE__NAEM", "x")];
    let ran = run(
        home.path(),
        &["register", "-c", "config.yaml", "-r", "r3.yaml"],
        &unknown,
    )
    .await?;
    assert_eq!(ran.status, 10, "{}", ran.err);
    Ok(())
}

/// "14 = database refused", also for a secret key that is not the one the database was made with.
#[tokio::test]
async fn a_database_that_does_not_fit_is_refused() -> Result {
    let mut scene = Scene::start().await?;
    let maria = scene.town.person("maria", "Maria");
    scene.citizen(&maria).await?;
    scene.bridge.stop().await?;
    let file = scene.bridge.config_file();
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
    let home = file.parent().unwrap_or(Path::new("/")).to_owned();
    let other_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let environment = [("MATRIX_GITTER_BRIDGE__SECRET_KEY", other_key)];
    let ran = run(&home, &["run", "-c", "config.yaml"], &environment).await?;
    assert!(
        [10, 14].contains(&ran.status),
        "{}: {}",
        ran.status,
        ran.err
    );
    assert!(ran.err.contains("secret_key"), "{}", ran.err);

    config["database"]["uri"] = "sqlite:/nowhere/at/all/x.db".into();
    std::fs::write(&file, config.to_string())?;
    let ran = run(&home, &["run", "-c", "config.yaml"], &[]).await?;
    assert_eq!(ran.status, 14, "{}", ran.err);
    Ok(())
}

/// "a newer schema than the program knows is refused untouched"
#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_untouched() -> Result {
    let postgres = testbed::postgres::shared().await?;
    let uri = postgres.database().await?;
    let mut scene = Scene::with(|setup| setup.database(&uri)).await?;
    scene.bridge.stop().await?;
    let newer =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        SELECT 9999, 'of the future', success, checksum, 1 FROM _sqlx_migrations WHERE version = 1";
    postgres.execute(&uri, &[newer]).await?;
    let before = postgres.dump(&uri).await?;
    let file = scene.bridge.config_file();
    let home = file.parent().unwrap_or(Path::new("/"));
    for command in ["run", "doctor"] {
        let ran = run(home, &[command, "-c", "config.yaml"], &[]).await?;
        let said = format!("{}{}", ran.out, ran.err);
        assert!(said.contains("newer version"), "{command}: {said}");
        if command == "run" {
            assert_eq!(ran.status, 14, "{said}");
        }
    }
    assert_eq!(postgres.dump(&uri).await?, before);
    Ok(())
}

/// "Two processes on one database by mistake: the second refuses with a clear message"; a killed one is in nobody's way.
#[tokio::test]
async fn a_second_process_on_one_database_is_refused() -> Result {
    let postgres = testbed::postgres::database().await?;
    for database in [None, Some(postgres.as_str())] {
        let mut scene = match database {
            None => Scene::start().await?,
            Some(uri) => Scene::with(|setup| setup.database(uri)).await?,
        };
        let file = scene.bridge.config_file();
        let home = file.parent().unwrap_or(Path::new("/")).to_owned();
        let port = testbed::ports::reserve()?.to_string();
        let elsewhere = [("MATRIX_GITTER_APPSERVICE__PORT", port.as_str())];
        let ran = run(&home, &["run", "-c", "config.yaml"], &elsewhere).await?;
        assert_eq!(ran.status, 14, "{}", ran.err);
        assert!(ran.err.contains("another process"), "{}", ran.err);
        scene.bridge.kill().await?;
        scene.bridge.start_again().await?;
    }
    Ok(())
}

/// "SIGTERM and SIGINT stop it", also while it waits for a database that does not answer; which it does not do for ever.
#[tokio::test]
async fn a_silent_database_is_told_of_and_does_not_hold_up_a_stop() -> Result {
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let home = scratch::directory("silent")?;
    let mut config = good().await?;
    config["database"]["uri"] = format!("postgres://x@{}/x", silent.local_addr()?).into();
    std::fs::write(home.path().join("config.yaml"), config.to_string())?;
    let mut command = Command::new(PROGRAM);
    command
        .args(["run", "-c", "config.yaml"])
        .current_dir(home.path());
    let log = std::fs::File::create(home.path().join("log"))?;
    let mut child = command.stderr(log).kill_on_drop(true).spawn()?;
    // It has come as far as that.
    let (_asked, _) = tokio::task::spawn_blocking({
        let silent = silent.try_clone()?;
        move || silent.accept()
    })
    .await??;
    let pid = child.id().unwrap_or_default().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().await?;
    let ended = tokio::time::timeout(std::time::Duration::from_secs(5), child.wait()).await??;
    assert_eq!(ended.code(), Some(0));
    let ran = run(home.path(), &["run", "-c", "config.yaml"], &[]).await?;
    assert_eq!(ran.status, 14, "{}", ran.err);
    assert!(ran.err.contains("does not answer"), "{}", ran.err);
    Ok(())
}

/// A port in use: one clear message.
#[tokio::test]
async fn a_port_in_use_is_named() -> Result {
    let home = scratch::directory("port")?;
    let config = good().await?;
    let port = config["appservice"]["port"].as_u64().unwrap_or_default();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", u16::try_from(port)?))?;
    std::fs::write(home.path().join("config.yaml"), config.to_string())?;
    let ran = run(home.path(), &["run", "-c", "config.yaml"], &[]).await?;
    assert_ne!(ran.status, 0);
    assert!(ran.err.contains(&port.to_string()), "{}", ran.err);
    Ok(())
}

/// "SIGTERM and SIGINT stop it gracefully (at most 10 s)"; and while the homeserver is away `run` waits and says so.
#[tokio::test]
async fn it_stops_gracefully_and_waits_for_the_homeserver() -> Result {
    let mut scene = Scene::start().await?;
    scene.bridge.stop().await?;
    scene.bridge.start_again().await?;
    scene.bridge.stop().await?;

    let home = scratch::directory("waits")?;
    let mut config = good().await?;
    config["homeserver"]["address"] = "http://127.0.0.1:9".into();
    config["database"]["uri"] = format!("sqlite:{}", home.path().join("x.db").display()).into();
    let address = config["appservice"]["address"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    std::fs::write(home.path().join("config.yaml"), config.to_string())?;
    let mut command = Command::new(PROGRAM);
    command
        .args(["run", "-c", "config.yaml"])
        .current_dir(home.path());
    let log = std::fs::File::create(home.path().join("log"))?;
    let mut child = command.stderr(log).kill_on_drop(true).spawn()?;
    let http = testbed::http::client()?;
    let mut not_ready = None;
    for _ in 0..300 {
        if let Ok(answer) = http.get(format!("{address}/health/ready")).send().await {
            not_ready = Some(answer);
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let not_ready = not_ready.ok_or_else(|| anyhow::anyhow!("it does not listen"))?;
    assert_eq!(not_ready.status(), 503);
    assert!(not_ready.text().await?.contains("homeserver"));
    assert_eq!(
        http.get(format!("{address}/health/live"))
            .send()
            .await?
            .status(),
        200
    );
    assert!(child.try_wait()?.is_none(), "it gave up");
    child.kill().await?;
    assert!(
        std::fs::read_to_string(home.path().join("log"))?
            .to_lowercase()
            .contains("homeserver")
    );
    Ok(())
}
