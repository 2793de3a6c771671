//! A whole database as a text of SQL, and back.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

/// The text that makes such a SQLite database.
pub(crate) async fn of_sqlite(uri: &str) -> String {
    let mut connection = SqliteConnection::connect(uri).await.unwrap();
    let mut text = String::new();
    let objects = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type = 'index', rowid";
    let mut tables = Vec::new();
    for object in sqlx::query(objects)
        .fetch_all(&mut connection)
        .await
        .unwrap()
    {
        let (kind, name, sql): (String, String, String) =
            (object.get(0), object.get(1), object.get(2));
        if name == "sqlite_sequence" {
            // SQLite makes that table itself.
            continue;
        }
        writeln!(text, "{sql};").unwrap();
        if kind == "table" {
            tables.push(name);
        }
    }
    // Last, since putting in rows changes it.
    tables.push("sqlite_sequence".to_owned());
    for table in tables {
        if table == "sqlite_sequence" {
            writeln!(text, "DELETE FROM sqlite_sequence;").unwrap();
        }
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
            .bind(&table)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let values: Vec<_> = columns
            .iter()
            .map(|column| format!("quote({column})"))
            .collect();
        let rows = format!(
            "SELECT {} FROM {table} ORDER BY rowid",
            values.join(" || ',' || ")
        );
        // Tables without row ids are none of ours.
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(rows))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        for row in rows {
            writeln!(
                text,
                "INSERT INTO {table} ({}) VALUES ({row});",
                columns.join(",")
            )
            .unwrap();
        }
    }
    connection.close().await.unwrap();
    text
}

/// Makes a SQLite database of that text.
pub(crate) async fn into_sqlite(uri: &str, text: &str) {
    let mut connection = SqliteConnection::connect(&format!("{uri}?mode=rwc"))
        .await
        .unwrap();
    let text = format!("PRAGMA foreign_keys = OFF;\n{text}");
    sqlx::raw_sql(AssertSqlSafe(text))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// Tables in which the text puts no row.
pub(crate) fn without_rows(text: &str) -> Vec<&str> {
    let tables = text.lines().filter_map(|line| {
        let name = line
            .strip_prefix("CREATE TABLE ")?
            .split([' ', '('])
            .next()?;
        Some(name.trim_matches('"'))
    });
    tables
        .filter(|table| !text.contains(&format!("INSERT INTO {table} ")))
        .collect()
}
