//! What a call does to a list.

use crate::directory::identity::fold_case;

/// A list parameter: replaced whole, or edited (`@{Add=..;Remove=..}`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListEdit {
    /// The new list.
    Replace(Vec<String>),
    /// What comes and what goes.
    Edit {
        /// Added at the end where not there yet.
        add: Vec<String>,
        /// Taken out.
        remove: Vec<String>,
    },
}

/// A list after an edit; comparison is without case.
pub(crate) fn apply_list_edit(edit: Option<ListEdit>, now: impl FnOnce() -> Vec<String>) -> Vec<String> {
    match edit {
        None => now(),
        Some(ListEdit::Replace(list)) => list,
        Some(ListEdit::Edit { add, remove }) => {
            let same = |a: &str, b: &str| fold_case(a) == fold_case(b);
            let mut list = now();
            list.retain(|t| !remove.iter().any(|r| same(r, t)));
            for text in add {
                if !list.iter().any(|t| same(t, &text)) {
                    list.push(text);
                }
            }
            list
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_edited_without_case() {
        let now = || vec!["A".to_owned(), "b".to_owned()];
        let edit = ListEdit::Edit { add: vec!["B".into(), "c".into()], remove: vec!["a".into()] };
        assert_eq!(apply_list_edit(Some(edit), now), ["b", "c"]);
    }
}
