//! The elements of some HTML as a tree, built from html5ever's tokens.
//!
//! Elements lie in one list and know their children by position, so nothing here or in dropping it recurses.
//! To make a tag close others by itself: a line in [`Builder::close_implied`].

use std::cell::RefCell;

use html5ever::LocalName;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use super::MAX_DEPTH;

/// What stands at one place of the tree.
#[derive(Debug)]
enum Item {
    Text(String),
    Element {
        name: LocalName,
        attributes: Vec<(LocalName, StrTendril)>,
        children: Vec<usize>,
    },
}

/// Parsed HTML.
#[derive(Debug)]
pub(super) struct Tree {
    items: Vec<Item>,
}

/// One child of an element.
#[derive(Clone, Copy, Debug)]
pub(super) enum Child<'a> {
    /// Characters, as they stand in the source.
    Text(&'a str),
    /// An element, by its position.
    Element(usize),
}

impl Tree {
    /// Where everything hangs.
    pub(super) const ROOT: usize = 0;

    /// Parses; never fails.
    pub(super) fn parse(html: &str) -> Self {
        let root = Item::Element {
            name: LocalName::from(""),
            attributes: Vec::new(),
            children: Vec::new(),
        };
        let builder = Builder {
            items: vec![root],
            open: Vec::new(),
            ignored: 0,
            swallowing: None,
        };
        let tokenizer = Tokenizer::new(
            Sink(RefCell::new(builder)),
            TokenizerOpts {
                discard_bom: false,
                ..TokenizerOpts::default()
            },
        );
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(html));
        // It stops early only for scripts that a browser would run, which our sink never asks for.
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        Self {
            items: tokenizer.sink.0.into_inner().items,
        }
    }

    /// The name of the element there; empty for the root.
    pub(super) fn name(&self, index: usize) -> &str {
        match self.items.get(index) {
            Some(Item::Element { name, .. }) => name,
            _ => "",
        }
    }

    /// An attribute of the element there.
    pub(super) fn attribute(&self, index: usize, wanted: &str) -> Option<&str> {
        let Some(Item::Element { attributes, .. }) = self.items.get(index) else {
            return None;
        };
        attributes
            .iter()
            .find(|(name, _)| &**name == wanted)
            .map(|(_, value)| &**value)
    }

    /// What the element there holds, in order.
    pub(super) fn children(&self, index: usize) -> impl DoubleEndedIterator<Item = Child<'_>> {
        let children = match self.items.get(index) {
            Some(Item::Element { children, .. }) => children.as_slice(),
            _ => &[],
        };
        children.iter().map(|&child| match self.items.get(child) {
            Some(Item::Text(text)) => Child::Text(text),
            _ => Child::Element(child),
        })
    }

    /// All text below the element there; `br` is `\n`.
    pub(super) fn text(&self, index: usize) -> String {
        let mut text = String::new();
        let mut waiting: Vec<_> = self.children(index).rev().collect();
        while let Some(child) = waiting.pop() {
            match child {
                Child::Text(piece) => text.push_str(piece),
                Child::Element(index) if self.name(index) == "br" => text.push('\n'),
                Child::Element(index) => waiting.extend(self.children(index).rev()),
            }
        }
        text
    }

    /// The first element below with this name.
    pub(super) fn find(&self, index: usize, name: &str) -> Option<usize> {
        let mut waiting: Vec<_> = self.children(index).rev().collect();
        while let Some(child) = waiting.pop() {
            if let Child::Element(index) = child {
                if self.name(index) == name {
                    return Some(index);
                }
                waiting.extend(self.children(index).rev());
            }
        }
        None
    }
}

struct Sink(RefCell<Builder>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut builder = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => builder.text(&text),
            Token::TagToken(tag) if tag.kind == TagKind::EndTag => builder.end_tag(&tag.name),
            Token::TagToken(tag) => return builder.start_tag(tag),
            Token::DoctypeToken(_)
            | Token::CommentToken(_)
            | Token::NullCharacterToken
            | Token::EOFToken
            | Token::ParseError(_) => {}
        }
        TokenSinkResult::Continue
    }
}

struct Builder {
    items: Vec<Item>,
    /// The elements around the next piece, outermost first; at most [`MAX_DEPTH`].
    open: Vec<usize>,
    /// How many elements are open beyond that.
    ignored: usize,
    /// The element whose text is being dropped.
    swallowing: Option<LocalName>,
}

impl Builder {
    fn name(&self, index: usize) -> &str {
        match self.items.get(index) {
            Some(Item::Element { name, .. }) => name,
            _ => "",
        }
    }

    fn text(&mut self, text: &str) {
        if self.swallowing.is_some() {
            return;
        }
        let parent = self.open.last().copied().unwrap_or(Tree::ROOT);
        let last = match self.items.get(parent) {
            Some(Item::Element { children, .. }) => children.last().copied(),
            _ => None,
        };
        if let Some(Item::Text(before)) = last.and_then(|last| self.items.get_mut(last)) {
            before.push_str(text);
        } else {
            self.append(Item::Text(text.to_owned()));
        }
    }

    fn append(&mut self, item: Item) -> usize {
        let index = self.items.len();
        self.items.push(item);
        let parent = self.open.last().copied().unwrap_or(Tree::ROOT);
        if let Some(Item::Element { children, .. }) = self.items.get_mut(parent) {
            children.push(index);
        }
        index
    }

    fn start_tag(&mut self, tag: Tag) -> TokenSinkResult<()> {
        if self.swallowing.is_some() {
            return TokenSinkResult::Continue;
        }
        match &*tag.name {
            "script" => return self.swallow(tag.name, RawKind::ScriptData),
            "style" | "iframe" | "noembed" | "noframes" => {
                return self.swallow(tag.name, RawKind::Rawtext);
            }
            "title" => return self.swallow(tag.name, RawKind::Rcdata),
            _ => {}
        }
        self.close_implied(&tag.name);
        let childless = is_void(&tag.name)
            || tag.self_closing
                && self
                    .open
                    .iter()
                    .any(|&open| matches!(self.name(open), "svg" | "math"));
        if self.open.len() >= MAX_DEPTH && !childless {
            self.ignored += 1;
            return TokenSinkResult::Continue;
        }
        let attributes = tag
            .attrs
            .into_iter()
            .map(|one| (one.name.local, one.value))
            .collect();
        let index = self.append(Item::Element {
            name: tag.name,
            attributes,
            children: Vec::new(),
        });
        if !childless {
            self.open.push(index);
        }
        TokenSinkResult::Continue
    }

    fn swallow(&mut self, name: LocalName, kind: RawKind) -> TokenSinkResult<()> {
        self.swallowing = Some(name);
        TokenSinkResult::RawData(kind)
    }

    fn end_tag(&mut self, name: &LocalName) {
        if let Some(swallowing) = &self.swallowing {
            if swallowing == name {
                self.swallowing = None;
            }
        } else if &**name == "br" {
            // Browsers read this as `<br>`.
            self.append(Item::Element {
                name: name.clone(),
                attributes: Vec::new(),
                children: Vec::new(),
            });
        } else if self.ignored > 0 {
            self.ignored -= 1;
        } else {
            let boundaries: &[&str] = if is_block(name) {
                &[]
            } else {
                &["td", "th", "li", "table"]
            };
            self.close(&[name], boundaries);
        }
    }

    /// Closes the innermost open element of these names and all inside it, unless one of `boundaries` is in between.
    fn close(&mut self, names: &[&str], boundaries: &[&str]) {
        for position in (0..self.open.len()).rev() {
            let Some(&index) = self.open.get(position) else {
                return;
            };
            let open = self.name(index);
            if names.contains(&open) {
                self.open.truncate(position);
                self.ignored = 0;
                return;
            }
            if boundaries.contains(&open) {
                return;
            }
        }
    }

    /// Closes what a start tag ends by itself (HTML Standard, 13.1.2.4 Optional tags).
    fn close_implied(&mut self, name: &str) {
        if is_block(name) {
            self.close(&["p"], &[]);
        }
        match name {
            "a" => self.close(&["a"], &[]),
            "li" => self.close(&["li"], &["ul", "ol"]),
            "dt" | "dd" => self.close(&["dt", "dd"], &["dl"]),
            "td" | "th" => self.close(&["td", "th"], &["tr", "table"]),
            "tr" => self.close(&["tr"], &["table"]),
            "thead" | "tbody" | "tfoot" => {
                self.close(&["thead", "tbody", "tfoot"], &["table"]);
                self.close(&["tr"], &["table"]);
            }
            // Browsers do so only right inside a heading; one inside another has no sense anywhere.
            name if is_heading(name) => self.close(
                &["h1", "h2", "h3", "h4", "h5", "h6"],
                &["li", "td", "th", "blockquote", "summary", "details"],
            ),
            _ => {}
        }
    }
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "source"
            | "track"
            | "wbr"
    )
}

fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

/// Whether a tag ends the paragraph it starts in.
pub(super) fn is_block(name: &str) -> bool {
    is_heading(name)
        || is_section(name)
        || matches!(
            name,
            "p" | "pre"
                | "blockquote"
                | "ul"
                | "ol"
                | "li"
                | "hr"
                | "table"
                | "thead"
                | "tbody"
                | "tfoot"
                | "tr"
                | "td"
                | "th"
                | "details"
                | "summary"
        )
}

/// Whether a tag only says that what it holds stands in lines of its own.
pub(super) fn is_section(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "caption"
            | "center"
            | "dd"
            | "dialog"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "header"
            | "hgroup"
            | "legend"
            | "main"
            | "menu"
            | "nav"
            | "search"
            | "section"
    )
}
