//! Values going in and out.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{ColumnIndex, Decode, Postgres, Row as _, SqlSafeStr, Sqlite, Type};

use crate::Error;

/// A value for a statement.
#[derive(Clone, Copy)]
pub(crate) enum Arg<'a> {
    Text(Option<&'a str>),
    Int(Option<i64>),
    Bool(bool),
    Bytes(&'a [u8]),
}

macro_rules! from {
    ($($type:ty => $make:expr),* $(,)?) => {
        $(impl<'a> From<$type> for Arg<'a> {
            fn from(value: $type) -> Self {
                ($make)(value)
            }
        })*
    };
}

from! {
    &'a str => |value| Arg::Text(Some(value)),
    &'a String => |value: &'a String| Arg::Text(Some(value)),
    Option<&'a str> => Arg::Text,
    &'a Option<String> => |value: &'a Option<String>| Arg::Text(value.as_deref()),
    i64 => |value| Arg::Int(Some(value)),
    Option<i64> => Arg::Int,
    bool => Arg::Bool,
    &'a Vec<u8> => |value: &'a Vec<u8>| Arg::Bytes(value),
}

macro_rules! bind {
    ($sql:expr, $args:expr) => {{
        let mut query = sqlx::query($sql);
        for arg in $args {
            query = match arg {
                // PostgreSQL takes no NUL in a text, and strangers may put one into their names.
                Arg::Text(Some(value)) if value.contains('\0') => {
                    query.bind(value.replace('\0', "\u{fffd}"))
                }
                Arg::Text(value) => query.bind(value),
                Arg::Int(value) => query.bind(value),
                Arg::Bool(value) => query.bind(value),
                Arg::Bytes(value) => query.bind(value),
            };
        }
        query
    }};
}

pub(super) fn sqlite<'q, 'a>(
    sql: impl SqlSafeStr,
    args: impl IntoIterator<Item = Arg<'a>>,
) -> Query<'q, Sqlite, SqliteArguments> {
    bind!(sql, args)
}

pub(super) fn postgres<'q>(
    sql: &'static str,
    args: &[Arg<'_>],
) -> Query<'q, Postgres, PgArguments> {
    bind!(sql, args.iter().copied())
}

/// A row of an answer.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The column at `index`, counted from 0.
    pub(crate) fn get<'r, T>(&'r self, index: usize) -> Result<T, Error>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
        usize: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(index)?,
            Self::Postgres(row) => row.try_get(index)?,
        })
    }
}
