//! The database: schema, migrations, queries, sealed secrets.
