// What Hydrogen 0.3 lacks to show a conversation as it is: edits in the place of what they change, recordings, stickers.
//
// Names with a leading underscore are Hydrogen's own; its version is pinned in package.json.

import { FileTile, ImageTile, RedactedTile, TextMessageView, TextTile, tileClassForEntry } from "hydrogen-view-sdk";

// The newest edit of each event, by the event's id.
const edits = new Map();

class ChangingTile extends TextTile {
  get _edit() {
    const edit = edits.get(this._entry.id);
    // Only its sender can change a message.
    return edit?.sender === this.sender ? edit : undefined;
  }

  _getContent() {
    return this._edit?.content["m.new_content"] ?? super._getContent();
  }

  _parseBody(body, format) {
    const parsed = super._parseBody(body, format);
    if (this._edit) {
      const mark = { type: "text", text: " (edited)" };
      parsed.parts.push({ type: "format", format: "em", children: [mark] });
    }
    return parsed;
  }

  get canEdit() {
    return this.isOwn && !this.isPending;
  }

  async edit() {
    // Hydrogen quotes in front of its replies what they answer.
    const before = this._getPlainBody().replace(/^(> .*\n)+\n/, "");
    const body = prompt("Change your message to", before);
    if (!body || body === before) {
      return;
    }
    const { msgtype } = this._getContent();
    await this._room.sendEvent("m.room.message", {
      msgtype,
      body: `* ${body}`,
      "m.new_content": { msgtype, body },
      "m.relates_to": { rel_type: "m.replace", event_id: this._entry.id },
    });
  }
}

function remember(edit, target, timeline) {
  const known = edits.get(target);
  if (known && known.timestamp > edit.timestamp) {
    return;
  }
  edits.set(target, edit);
  // Not now: the list that asks for this entry's tile is in the middle of a change.
  queueMicrotask(() => timeline._findAndUpdateEntryById(null, target, () => "body"));
}

// Which tile shows an entry, if any.
export function tileFor(entry, options) {
  const isMessage = entry.eventType === "m.room.message" && !entry.isRedacted;
  const relation = isMessage ? entry.relation : undefined;
  if (relation?.rel_type === "m.replace" && entry.content["m.new_content"]) {
    remember(entry, relation.event_id, options.timeline);
    return undefined;
  }
  if (isMessage && entry.content.msgtype === "m.audio") {
    return FileTile;
  }
  if (entry.eventType === "m.sticker") {
    return entry.isRedacted ? RedactedTile : ImageTile;
  }
  const tile = tileClassForEntry(entry, options);
  return tile === TextTile ? ChangingTile : tile;
}

const menu = TextMessageView.prototype.createMenuOptions;

TextMessageView.prototype.createMenuOptions = function (tile) {
  const options = menu.call(this, tile);
  if (tile.canEdit) {
    // The SDK does not export the class of what stands in a menu.
    const Option = options.at(-1).constructor;
    options.unshift(new Option("Edit", () => tile.edit()));
  }
  return options;
};
