-- Small facts about the database itself.
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE users (
    mxid TEXT NOT NULL PRIMARY KEY,
    management_room TEXT UNIQUE,
    space TEXT UNIQUE
);

CREATE TABLE refused_rooms (
    room_id TEXT NOT NULL PRIMARY KEY,
    why TEXT NOT NULL,
    refused_at BIGINT NOT NULL
);

-- What must happen only once.
CREATE TABLE marks (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
);

-- Login links. Hashes only: who reads the database cannot use them.
CREATE TABLE tickets (
    hash TEXT NOT NULL PRIMARY KEY,
    mxid TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    browser TEXT,
    state TEXT UNIQUE,
    used BOOLEAN NOT NULL
);

CREATE TABLE logins (
    -- Never used again: lanes and transaction ids are made from ids.
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mxid TEXT NOT NULL UNIQUE,
    person_id TEXT NOT NULL,
    username TEXT NOT NULL,
    display_name TEXT NOT NULL,
    credentials BYTEA NOT NULL,
    state TEXT NOT NULL,
    since BIGINT NOT NULL
);

CREATE TABLE portals (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login_id BIGINT REFERENCES logins (id) ON DELETE SET NULL,
    mxid TEXT NOT NULL,
    remote_room TEXT NOT NULL,
    room_id TEXT UNIQUE,
    state TEXT NOT NULL,
    kind TEXT NOT NULL,
    other_person TEXT,
    address TEXT NOT NULL,
    name TEXT NOT NULL,
    topic TEXT,
    avatar_key TEXT,
    avatar_mxc TEXT,
    cursor TEXT,
    behind_since BIGINT,
    opened BOOLEAN NOT NULL,
    in_space BOOLEAN NOT NULL,
    UNIQUE (mxid, remote_room)
);
CREATE INDEX portals_of_login ON portals (login_id);

CREATE TABLE ghosts (
    person_id TEXT NOT NULL PRIMARY KEY,
    localpart TEXT NOT NULL UNIQUE,
    registered BOOLEAN NOT NULL,
    username TEXT NOT NULL,
    display_name TEXT,
    avatar_key TEXT,
    avatar_mxc TEXT
);
CREATE INDEX ghosts_by_username ON ghosts (lower(username));

CREATE TABLE ghost_rooms (
    room_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    PRIMARY KEY (room_id, person_id)
);

-- Pictures that were uploaded.
CREATE TABLE avatars (
    key TEXT NOT NULL PRIMARY KEY,
    mxc TEXT NOT NULL
);

-- Files of the network that were uploaded to the homeserver, by a digest of their address there.
CREATE TABLE uploads (
    key TEXT NOT NULL PRIMARY KEY,
    mxc TEXT NOT NULL,
    info TEXT NOT NULL,
    put_at BIGINT NOT NULL
);

-- Files on Matrix that have a link. Its hash only: who reads the database cannot use it.
CREATE TABLE links (
    hash TEXT NOT NULL PRIMARY KEY,
    room_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    -- None once the link was revoked.
    mxc TEXT,
    name TEXT NOT NULL,
    info TEXT NOT NULL,
    made_at BIGINT NOT NULL
);
CREATE INDEX links_of_event ON links (event_id);

-- The message map. One message may be several events (parts), and one event several messages.
CREATE TABLE messages (
    portal_id BIGINT NOT NULL REFERENCES portals (id) ON DELETE CASCADE,
    remote_id TEXT NOT NULL,
    part BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    by_us BOOLEAN NOT NULL,
    sent_at BIGINT NOT NULL,
    edited_at BIGINT,
    -- The message whose thread it is in.
    thread TEXT,
    -- It was taken back; kept, since others may answer it.
    deleted BOOLEAN NOT NULL,
    -- The user's own account says it on Matrix, though it came from the network.
    as_user BOOLEAN NOT NULL,
    -- Tells whether what it shows now is the same as something else; none if that is not known.
    digest BIGINT,
    PRIMARY KEY (portal_id, remote_id, part)
);
CREATE INDEX messages_by_thread ON messages (portal_id, thread) WHERE thread IS NOT NULL;
CREATE INDEX messages_by_event ON messages (event_id);
CREATE INDEX messages_by_time ON messages (portal_id, sent_at);

-- Messages that the network acknowledged and has not shown since. Rows live for seconds.
CREATE TABLE awaited (
    portal_id BIGINT NOT NULL REFERENCES portals (id) ON DELETE CASCADE,
    remote_id TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (portal_id, remote_id)
);

-- Which Matrix events changed which: both ids, and when it was written.
CREATE TABLE edits (
    event_id TEXT NOT NULL PRIMARY KEY,
    original TEXT NOT NULL,
    portal_id BIGINT NOT NULL REFERENCES portals (id) ON DELETE CASCADE,
    written_at BIGINT NOT NULL
);
CREATE INDEX edits_of ON edits (original);

-- When the rooms were last looked through for what the homeserver did not send: one row.
CREATE TABLE sweeps (
    id BIGINT NOT NULL PRIMARY KEY,
    began_at BIGINT NOT NULL
);

-- Ids of Matrix events that were accepted once.
CREATE TABLE seen (
    key TEXT NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL
);

-- The lanes: one row is one thing to be done, in the order of the ids.
CREATE TABLE items (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane TEXT NOT NULL,
    login_id BIGINT REFERENCES logins (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    -- Key of what it changes or takes back.
    about TEXT,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    not_before BIGINT,
    accepted_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    note TEXT,
    why TEXT,
    UNIQUE (lane, key)
);
CREATE INDEX items_open ON items (lane, id) WHERE state <> 'failed';
CREATE INDEX items_attempting ON items (lane) WHERE state = 'attempting';
CREATE INDEX items_about ON items (lane, about) WHERE about IS NOT NULL;
CREATE INDEX items_of_login ON items (login_id);
