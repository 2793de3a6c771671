//! Nothing stays behind when a test is killed: the test starts itself once more as the victim.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use testbed::postgres::Postgres;
use testbed::progress::Lines;

const VICTIM: &str = "TESTBED_GUARDIAN_VICTIM";

#[tokio::test]
async fn a_killed_test_leaves_neither_processes_nor_files() {
    if std::env::var_os(VICTIM).is_some() {
        let cluster = Postgres::start(&Lines).await.unwrap();
        println!("uri {}", cluster.database().await.unwrap());
        std::future::pending::<()>().await;
    }
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_killed_test_leaves_neither_processes_nor_files",
            "--nocapture",
        ])
        .env(VICTIM, "yes")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let home = lines.find_map(|line| line.split_once("host=").map(|(_, home)| home.to_owned()));
    let home = home.unwrap();
    assert!(Path::new(&home).exists());
    victim.kill().unwrap();
    victim.wait().unwrap();
    for _ in 0..300 {
        if !Path::new(&home).exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{home} is still there");
}
