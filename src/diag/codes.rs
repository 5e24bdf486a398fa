//! The closed list of diagnostic codes. A code is never reused.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Warning,
    Error,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $title:literal;)*) => {
        /// A kind of mistake. `specrun explain E0101` prints the documentation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])* $name,)*
        }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// `E0101`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// A few words: what kind of mistake it is.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// What it means, why it is refused and how to cure it.
            #[must_use]
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc, "\n"),*)),* }
            }
        }
    };
}

codes! {
    /// The text is not YAML. The caret stands where the reader could not go on; the mistake is often just before.
    Syntax = "E0101", "not YAML";
    /// A key stands twice in one mapping. Most YAML readers silently keep the last one; the other would be lost.
    DuplicateKey = "E0102", "duplicate key";
    /// `{{ x }}` or `${{ x }}` without quotes: YAML reads `{` as the start of a mapping. Put the whole value in quotes.
    UnquotedTemplate = "E0103", "expression without quotes";
    /// A YAML tag (`!name`) that specrun does not know. Specs need none.
    UnknownTag = "E0104", "unknown tag";
    /// The file holds more than one document (`---`). One file is one spec, so that nothing after the first is lost.
    SeveralDocuments = "E0105", "several documents";
    /// The file is larger, deeper or has more aliases than any spec needs: a bomb.
    Budget = "E0106", "too large or too deep";
    /// A value that YAML 1.1 and 1.2 read differently (`yes`, `on`, `0777`, `1_000`). Quote it, or write `true`, `false`.
    Ambiguous = "E0107", "ambiguous value";
    /// The file is empty, so nothing would be tested.
    Empty = "E0108", "empty file";
    /// The file is not UTF-8.
    NotUtf8 = "E0109", "not UTF-8";
    /// The file cannot be read.
    Unreadable = "E0110", "unreadable file";
    /// Nothing matches: a path that does not exist, an empty folder, a pattern without a match.
    NoSuchPath = "E0111", "nothing there";

    // A spec's form.
    /// A key that does not exist here. An ignored key is an expectation nobody checks, so it is refused.
    UnknownKey = "E0201", "unknown key";
    /// A key that is needed here is missing.
    MissingKey = "E0202", "missing key";
    /// Text where a number is needed, a list where a mapping is needed, and so on.
    WrongKind = "E0203", "wrong kind of value";
    /// No action has this name. `specrun list --actions` names them all.
    UnknownAction = "E0204", "unknown action";
    /// A step names two actions. Which one should come first would be a guess: write two steps.
    SeveralActions = "E0205", "several actions in one step";
    /// A step names no action, so it would do nothing and succeed.
    NoAction = "E0206", "step without an action";
    /// A name that expressions or reports could not use.
    BadName = "E0207", "not a name";
    /// Two steps of a spec have one name; a reference could mean either.
    DuplicateStep = "E0208", "two steps with one id";
    /// The file does not say `specrun: 1`, or was written for another version of the language.
    Version = "E0209", "unknown language version";
    /// A parameter's value is not what the action takes. `specrun explain ACTION` shows what it takes.
    BadParameter = "E0210", "wrong parameter";
    /// The action has no such parameter. An ignored parameter would be a setting that sets nothing.
    UnknownParameter = "E0211", "unknown parameter";
    /// The action needs a parameter that is not given.
    MissingParameter = "E0212", "missing parameter";
    /// A value that is out of range or not one of the values that exist.
    BadValue = "E0213", "value cannot be used";
    /// Keys that exclude each other, or one that has no effect without another. What has no effect is refused,
    /// since its author believes that it has one.
    KeysDoNotFit = "E0214", "keys do not fit together";
    /// The spec expects nothing, so it could never fail. Add `expect`, `eventually` or `expect_failure`.
    NoExpectation = "E0215", "spec without an expectation";
    /// All checks of the spec are warnings or for information, so it could never fail. Make one of them critical,
    /// or give the whole spec a lower `severity`.
    OnlyWarnings = "E0216", "no check that counts";
    /// A family is used and not listed under `tools`. The list is what reviewers read.
    UndeclaredTool = "E0217", "tool not listed";
    /// A family is listed under `tools` and no step uses it.
    UnusedTool = "E0218", "tool not used";
    /// Two specs have one id; one result would hide the other.
    DuplicateSpec = "E0219", "two specs with one id";
    /// `${{ }}` stands where nothing is evaluated, so it would be taken as text.
    UnexpectedExpression = "E0220", "expression in the wrong place";
    /// A list with nothing in it where something is needed.
    EmptyList = "E0221", "empty list";

    // Expressions.
    /// The expression cannot be read.
    ExpressionSyntax = "E0301", "not an expression";
    /// No input, step or element has this name.
    UnknownName = "E0302", "unknown name";
    /// The value has no such field. A misspelt field would be absent in every run.
    UnknownField = "E0303", "unknown field";
    /// There is no such function; the reference lists them all.
    UnknownFunction = "E0304", "unknown function";
    /// The function takes other arguments.
    WrongArguments = "E0305", "wrong arguments";
    /// Values of different dimensions are compared or added: a duration and a number of bytes, say.
    Dimension = "E0306", "dimensions do not fit";
    /// Values of different types are compared or added, or a value is not of the type that is needed here.
    TypeMismatch = "E0307", "types do not fit";
    /// The check is true or false whatever the run does.
    ConstantCheck = "E0308", "check that cannot change";
    /// A secret would be compared or shown.
    SecretShown = "E0309", "secret in an expression";
    /// A check must be true or false.
    NotABool = "E0310", "not true or false";
    /// The check looks at nothing the run produced: it compares inputs and literals only.
    NoSubject = "E0311", "check without a subject";
    /// The expression's type is not the type of the parameter.
    ParameterType = "E0312", "parameter of another type";
    /// A secret stands where the action does not declare that it takes one: it might be shown or sent in clear.
    SecretMisplaced = "E0313", "secret in the wrong place";
    /// YAML takes ` #` and what follows as a comment, so the expression is cut there.
    CutByComment = "E0314", "expression cut by a comment";
    /// The parameter takes a secret, and a plain text stands there for everybody to read.
    SecretLiteral = "E0315", "secret in clear";
    /// The sample is too small: even without one bad member it could not prove the limit with this confidence, so
    /// the check can never pass.
    TooFewSamples = "W0316", "too few samples to prove it";

    // The graph of steps.
    /// No step has this name.
    UnknownStep = "E0401", "unknown step";
    /// The step comes later, so it has no output yet. Move it up, or say `needs`.
    LaterStep = "E0402", "step comes later";
    /// Steps wait for each other in a circle, so none of them could ever start.
    Cycle = "E0403", "steps wait in a circle";
    /// `during` names a step that does not run in the background.
    NotBackground = "E0404", "not a background step";
    /// A step's parameters use its own output, which is not there before it has acted.
    OwnOutput = "E0405", "own output";
    /// The step's output cannot be used from here: preconditions do not see steps, nobody sees `on_failure`, and a
    /// step that is expected to fail has no output.
    OutOfReach = "E0406", "step out of reach";

    // Inputs and environments.
    /// No expression uses the input: setting it would change nothing.
    UnusedInput = "E0501", "unused input";
    /// The input has no value: no `--set`, none in the environment file, no variable, no default.
    MissingInput = "E0502", "input without a value";
    /// The value of an input does not have its type, or is not one of those allowed.
    BadInput = "E0503", "input of another type";
    /// `--set` names an input that no selected spec has.
    UnknownInput = "E0504", "unknown input";
    /// The value of a secret is written in a file or on the command line.
    SecretInClear = "E0505", "secret in clear";
    /// The environment file names a secret that it does not declare.
    UnknownSecret = "E0506", "unknown secret";
    /// The environment file gives an endpoint for a family that does not exist.
    UnknownFamily = "E0507", "unknown family";
    /// Environment files extend each other in a circle.
    ExtendsCycle = "E0508", "environments in a circle";
    /// A secret that is needed has no value.
    MissingSecret = "E0509", "secret without a value";
    /// The text names a service, a port or a variable that does not exist.
    UnknownReference = "E0510", "unknown reference";
    /// The environment file sets an input that no selected spec has.
    UnusedSetting = "W0511", "unused setting";
    /// No expression uses the axis: every row would test the same.
    UnusedAxis = "E0512", "unused axis";

    // Selection and project.
    /// The selection expression cannot be read.
    SelectionSyntax = "E0601", "not a selection";
    /// The selection names a tag, category or id that no spec has.
    UnknownSelection = "E0602", "selects nothing";
    /// No environment has this name.
    UnknownEnvironment = "E0603", "unknown environment";
    /// No profile has this name.
    UnknownProfile = "E0604", "unknown profile";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn codes_are_unique_and_explained() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.id()), "{} stands twice", code.id());
            assert!(code.explanation().len() > 20, "{} is not explained", code.id());
        }
    }
}
