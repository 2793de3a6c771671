//! What a bridge is: logins, portals, ghosts, management rooms, commands, lanes.
