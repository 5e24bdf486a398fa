//! Text to tree: recursive descent, one level of precedence per operator class.

use super::lexer::{Token, tokens};
use super::{BinaryOp, Expr, ExprKind, Range, UnaryOp};
use crate::value::Value;

/// Why a text is not an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    pub message: String,
    pub at: Range,
    pub help: Option<String>,
}

/// How deep a tree may be, so that no text can exhaust the stack.
pub const MAX_DEPTH: usize = 64;
/// How long a text may be, in bytes.
pub const MAX_LENGTH: usize = 10_000;

/// Words that are no names.
pub(super) const RESERVED: [&str; 10] = [
    "and", "or", "not", "in", "contains", "matches", "is", "true", "false", "null",
];

/// Reads one expression.
///
/// # Errors
/// The first place that is not part of an expression; depth and length are limited.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    if text.len() > MAX_LENGTH {
        return Err(ParseError {
            message: format!("the expression has {} bytes, more than {MAX_LENGTH}", text.len()),
            at: Range {
                start: 0,
                end: text.len(),
            },
            help: Some("split it into several checks".to_owned()),
        });
    }
    let mut parser = Parser {
        tokens: tokens(text),
        at: 0,
        open: 0,
    };
    let tree = parser.or()?;
    match parser.peek() {
        Token::End => Ok(tree.expr),
        _ => Err(parser.unexpected("the end, or an operator")),
    }
}

/// A tree with its height.
struct Tree {
    expr: Expr,
    height: usize,
}

type Parsed = Result<Tree, ParseError>;

struct Parser {
    tokens: Vec<(Token, Range)>,
    at: usize,
    /// How many brackets and signs are open.
    open: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    /// The token after the next.
    fn peek_second(&self) -> Option<&Token> {
        self.tokens.get(self.at + 1).map(|t| &t.0)
    }

    fn place(&self) -> Range {
        self.tokens[self.at].1
    }

    fn end_of_last(&self) -> usize {
        self.at.checked_sub(1).map_or(0, |i| self.tokens[i].1.end)
    }

    fn advance(&mut self) -> Token {
        let token = self.tokens[self.at].0.clone();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(s) if *s == symbol);
        if found {
            self.advance();
        }
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(w) if w == word)
    }

    fn expect_symbol(&mut self, symbol: &'static str) -> Result<(), ParseError> {
        if self.eat_symbol(symbol) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{symbol}`")))
    }

    fn unexpected(&self, expected: &str) -> ParseError {
        let found = match self.peek() {
            Token::Wrong(error) => return (**error).clone(),
            Token::End => "the expression ends".to_owned(),
            Token::Number(value) => format!("found `{value}`"),
            Token::Text(text) => format!("found the text {}", Value::String(text.clone())),
            Token::Word(word) => format!("found `{word}`"),
            Token::Symbol(symbol) => format!("found `{symbol}`"),
        };
        Self::error(self.place(), format!("expected {expected}, {found}"), self.cure())
    }

    /// What was probably meant, for mistakes that are often made.
    fn cure(&self) -> Option<&'static str> {
        match (self.peek(), self.peek_second()) {
            (Token::Word(w), _) if matches!(w.as_str(), "AND" | "OR" | "NOT") => {
                Some("operators are lower case: `and`")
            }
            (Token::Word(w), _) if w == "like" => Some("write `matches`, with a regular expression"),
            (Token::Word(w), _) if w == "exists" => Some("write `is present`"),
            (Token::Word(w), _) if w == "if" => Some("a condition of a step is its own key: `if:`"),
            (Token::Word(w), Some(Token::Word(next))) if w == "not" && next == "contains" => {
                Some("write `not (x contains y)`")
            }
            (Token::Word(w), Some(Token::Word(next))) if w == "not" && next == "matches" => {
                Some("write `not (x matches y)`")
            }
            (Token::Symbol("<" | "<=" | ">" | ">=" | "==" | "!="), _) if self.at == 0 => {
                Some("a check names what it looks at: `.status == 200`, `step.output < 3`")
            }
            (Token::Symbol("*"), _) if self.end_of_last() == self.place().start => {
                Some("there is no power; multiply")
            }
            _ => None,
        }
    }

    fn error(at: Range, message: String, help: Option<&str>) -> ParseError {
        ParseError {
            message,
            at,
            help: help.map(str::to_owned),
        }
    }

    fn too_deep(at: Range) -> ParseError {
        Self::error(
            at,
            format!("the expression is more than {MAX_DEPTH} levels deep"),
            Some("split it into several checks"),
        )
    }

    fn node(&self, kind: ExprKind, start: usize, below: usize) -> Parsed {
        let at = Range {
            start,
            end: self.end_of_last(),
        };
        if below >= MAX_DEPTH {
            return Err(Self::too_deep(at));
        }
        Ok(Tree {
            expr: Expr { kind, at },
            height: below + 1,
        })
    }

    /// Reads something inside a bracket or after a sign, where the text can nest.
    fn nested(&mut self, read: fn(&mut Self) -> Parsed) -> Parsed {
        if self.open >= MAX_DEPTH {
            return Err(Self::too_deep(self.place()));
        }
        self.open += 1;
        let tree = read(self);
        self.open -= 1;
        tree
    }

    fn binary(&mut self, op: BinaryOp, left: Tree, right: Tree) -> Parsed {
        let start = left.expr.at.start;
        let height = left.height.max(right.height);
        self.node(
            ExprKind::Binary(op, Box::new(left.expr), Box::new(right.expr)),
            start,
            height,
        )
    }

    fn or(&mut self) -> Parsed {
        let mut left = self.and()?;
        while self.eat_word("or") {
            let right = self.and()?;
            left = self.binary(BinaryOp::Or, left, right)?;
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.not()?;
        while self.eat_word("and") {
            let right = self.not()?;
            left = self.binary(BinaryOp::And, left, right)?;
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        let start = self.place().start;
        if self.eat_word("not") {
            let inner = self.nested(Self::not)?;
            return self.node(
                ExprKind::Unary(UnaryOp::Not, Box::new(inner.expr)),
                start,
                inner.height,
            );
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.sum()?;
        let compared = self.one_comparison(left)?;
        if let Some(second) = self.comparison_ahead() {
            return Err(Self::error(
                self.place(),
                format!("comparisons cannot be chained: `{second}` follows a comparison"),
                Some("write `a < b and b < c`, or put brackets"),
            ));
        }
        Ok(compared)
    }

    /// The comparison that stands next, as it is written.
    fn comparison_ahead(&self) -> Option<String> {
        match self.peek() {
            Token::Symbol(s @ ("==" | "!=" | "<" | "<=" | ">" | ">=")) => Some((*s).to_owned()),
            Token::Word(w) if matches!(w.as_str(), "in" | "contains" | "matches" | "is") => Some(w.clone()),
            Token::Word(w)
                if w == "not" && matches!(self.peek_second(), Some(Token::Word(n)) if n == "in") =>
            {
                Some("not in".to_owned())
            }
            _ => None,
        }
    }

    fn one_comparison(&mut self, left: Tree) -> Parsed {
        let Some(sign) = self.comparison_ahead() else {
            return Ok(left);
        };
        self.advance();
        let op = match sign.as_str() {
            "==" => BinaryOp::Eq,
            "!=" => BinaryOp::Ne,
            "<" => BinaryOp::Lt,
            "<=" => BinaryOp::Le,
            ">" => BinaryOp::Gt,
            ">=" => BinaryOp::Ge,
            "in" => BinaryOp::In,
            "contains" => BinaryOp::Contains,
            "matches" => BinaryOp::Matches,
            "not in" => {
                self.advance();
                BinaryOp::NotIn
            }
            _ => return self.presence(left),
        };
        let right = self.sum()?;
        self.binary(op, left, right)
    }

    fn presence(&mut self, left: Tree) -> Parsed {
        let start = left.expr.at.start;
        let wanted = if self.eat_word("present") {
            true
        } else if self.eat_word("absent") {
            false
        } else {
            let help = match self.peek() {
                Token::Word(w) if w == "not" => "write `is absent`",
                Token::Word(w) if w == "null" => "write `is absent`",
                _ => "after `is` stands `present` or `absent`; to compare write `==`",
            };
            let mut error = self.unexpected("`present` or `absent`");
            error.help.get_or_insert_with(|| help.to_owned());
            return Err(error);
        };
        let subject = Box::new(left.expr);
        self.node(ExprKind::Present { subject, wanted }, start, left.height)
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        loop {
            let op = if self.eat_symbol("+") {
                BinaryOp::Add
            } else if self.eat_symbol("-") {
                BinaryOp::Sub
            } else {
                return Ok(left);
            };
            let right = self.product()?;
            left = self.binary(op, left, right)?;
        }
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.unary()?;
        loop {
            let op = if self.eat_symbol("*") {
                BinaryOp::Mul
            } else if self.eat_symbol("/") {
                BinaryOp::Div
            } else {
                return Ok(left);
            };
            let right = self.unary()?;
            left = self.binary(op, left, right)?;
        }
    }

    fn unary(&mut self) -> Parsed {
        let start = self.place().start;
        if self.eat_symbol("-") {
            let inner = self.nested(Self::unary)?;
            return self.node(
                ExprKind::Unary(UnaryOp::Negate, Box::new(inner.expr)),
                start,
                inner.height,
            );
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Parsed {
        let start = self.place().start;
        let mut tree = self.primary()?;
        loop {
            if self.eat_symbol(".") {
                tree = self.field(tree, start)?;
            } else if self.eat_symbol("[") {
                let index = self.nested(Self::or)?;
                self.expect_symbol("]")?;
                let height = tree.height.max(index.height);
                tree = self.node(
                    ExprKind::Index(Box::new(tree.expr), Box::new(index.expr)),
                    start,
                    height,
                )?;
            } else {
                return Ok(tree);
            }
        }
    }

    /// What follows a point: a field, or a function with what stands before as its first argument.
    fn field(&mut self, subject: Tree, start: usize) -> Parsed {
        let Token::Word(name) = self.peek().clone() else {
            let mut error = self.unexpected("the name of a field after `.`");
            if matches!(self.peek(), Token::Text(_) | Token::Number(_)) {
                error
                    .help
                    .get_or_insert_with(|| "write `x[0]` or `x[\"key\"]`".to_owned());
            }
            return Err(error);
        };
        self.advance();
        if self.eat_symbol("(") {
            let mut args = vec![subject.expr];
            let height = self.arguments(&mut args, subject.height)?;
            return self.node(
                ExprKind::Call {
                    name,
                    args,
                    method: true,
                },
                start,
                height,
            );
        }
        self.node(
            ExprKind::Field(Box::new(subject.expr), name),
            start,
            subject.height,
        )
    }

    /// Expressions up to `)`; returns the greatest height.
    fn arguments(&mut self, args: &mut Vec<Expr>, mut height: usize) -> Result<usize, ParseError> {
        if self.eat_symbol(")") {
            return Ok(height);
        }
        loop {
            let tree = self.nested(Self::or)?;
            height = height.max(tree.height);
            args.push(tree.expr);
            if self.eat_symbol(")") {
                return Ok(height);
            }
            if !self.eat_symbol(",") {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
    }

    fn primary(&mut self) -> Parsed {
        let start = self.place().start;
        let literal = |value| ExprKind::Literal(value);
        match self.peek().clone() {
            Token::Number(value) => {
                self.advance();
                self.node(literal(value), start, 0)
            }
            Token::Text(text) => {
                self.advance();
                self.node(literal(Value::String(text)), start, 0)
            }
            Token::Symbol("(") => {
                self.advance();
                let mut tree = self.nested(Self::or)?;
                self.expect_symbol(")")?;
                tree.expr.at = Range {
                    start,
                    end: self.end_of_last(),
                };
                Ok(tree)
            }
            Token::Symbol("[") => {
                self.advance();
                self.list(start)
            }
            Token::Symbol(".") => self.element(start),
            Token::Word(word) if !RESERVED.contains(&word.as_str()) => {
                self.advance();
                if self.eat_symbol("(") {
                    let mut args = Vec::new();
                    let height = self.arguments(&mut args, 0)?;
                    let call = ExprKind::Call {
                        name: word,
                        args,
                        method: false,
                    };
                    return self.node(call, start, height);
                }
                self.node(ExprKind::Name(word), start, 0)
            }
            Token::Word(word) if matches!(word.as_str(), "true" | "false" | "null") => {
                self.advance();
                let value = match word.as_str() {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    _ => Value::Null,
                };
                self.node(literal(value), start, 0)
            }
            _ => Err(self.unexpected("a value")),
        }
    }

    fn list(&mut self, start: usize) -> Parsed {
        let mut items = Vec::new();
        let mut height = 0;
        while !self.eat_symbol("]") {
            let tree = self.nested(Self::or)?;
            height = height.max(tree.height);
            items.push(tree.expr);
            if !self.eat_symbol(",") && !matches!(self.peek(), Token::Symbol("]")) {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
        self.node(ExprKind::List(items), start, height)
    }

    /// `.`, `.field`, `.function(...)`, `.[0]`.
    fn element(&mut self, start: usize) -> Parsed {
        self.advance();
        let element = self.node(ExprKind::Element, start, 0)?;
        match self.peek() {
            // A word of the language after a lone point is an operator: `. in xs`.
            Token::Word(word) if self.place().start == start + 1 || !RESERVED.contains(&word.as_str()) => {
                self.field(element, start)
            }
            _ => Ok(element),
        }
    }
}
