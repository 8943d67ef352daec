//! The words of the messages, one file a language. Another language is another file and a line in [`texts_for`].

mod en;
mod fr;

/// Every sentence of every message. `{...}` marks are replaced; nothing else is a mark.
#[derive(Debug)]
pub(crate) struct Texts {
    /// For Content-Language and the HTML's `lang`.
    pub language: &'static str,
    /// Subjects.
    pub welcome_subject: &'static str,
    /// New PIN.
    pub reset_subject: &'static str,
    /// NotifyWithoutPIN.
    pub changed_subject: &'static str,
    /// ExpiryNoticeDays.
    pub expiry_subject: &'static str,
    /// `-TestMail`.
    pub test_subject: &'static str,
    /// First line; `{name}`.
    pub greeting: &'static str,
    /// Second line of the welcome; `{user}`.
    pub welcome: &'static str,
    /// Second line of the reset; `{user}`.
    pub reset: &'static str,
    /// Second line of the notice without a PIN; `{user}`.
    pub changed: &'static str,
    /// Second line of the notice before expiry; `{user}`, `{date}`.
    pub expiry: &'static str,
    /// The test message.
    pub test: &'static str,
    /// How to call in, where numbers are known.
    pub call_in: &'static str,
    /// How to call in, where none is known.
    pub call_in_unknown: &'static str,
    /// Labels.
    pub access_number: &'static str,
    /// The extension.
    pub extension: &'static str,
    /// The PIN.
    pub pin: &'static str,
    /// Must be changed.
    pub must_change: &'static str,
    /// Need not be changed.
    pub need_not_change: &'static str,
    /// Who to ask where the reader did not ask for this.
    pub not_you: &'static str,
}

/// The texts for a recipient's language setting (`fr`, `fr-FR`, `fr-CA;en-US`, ...); English where there are none.
pub(crate) fn texts_for(language: &str) -> &'static Texts {
    let primary = language.split([',', ';', '-', '_', ' ']).next().unwrap_or_default().to_ascii_lowercase();
    match primary.as_str() {
        "fr" => &fr::TEXTS,
        _ => &en::TEXTS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The marks of every sentence, in order: `Debug` shows every field, so that none can be left out here.
    fn marks(texts: &Texts) -> Vec<Vec<String>> {
        let all = format!("{texts:#?}");
        let sentences = all.lines().filter(|line| line.contains(": \""));
        sentences
            .map(|line| {
                let mut marks: Vec<String> =
                    line.split('{').skip(1).map(|m| m.split('}').next().unwrap().into()).collect();
                marks.sort();
                marks
            })
            .collect()
    }

    #[test]
    fn every_language_has_the_marks_of_the_english_sentences() {
        let english = marks(&en::TEXTS);
        assert!(english.iter().flatten().count() >= 6, "{english:?}");
        assert_eq!(marks(&fr::TEXTS), english);
    }
}
