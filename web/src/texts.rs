//! The words of the pages, in each language side by side.

use axum::http::{HeaderMap, header};

macro_rules! texts {
    ($($name:ident: $en:literal, $fr:literal;)*) => {
        /// Every text of the pages.
        pub(crate) struct Texts {
            $(pub $name: &'static str,)*
        }

        static ENGLISH: Texts = Texts { $($name: $en,)* };
        static FRENCH: Texts = Texts { $($name: $fr,)* };

        #[cfg(test)]
        const PAIRS: &[(&str, &str, &str)] = &[$((stringify!($name), $en, $fr),)*];
    };
}

// Exchange's words where it had some: "Not locked out", "Reset PIN", "code confidentiel".
texts! {
    tag: "en", "fr";
    product: "Voice mail PINs", "Codes de messagerie vocale";
    skip: "Skip to the content", "Aller au contenu";
    navigation: "Main", "Principale";
    signed_in_as: "Signed in as", "Connecté en tant que";
    sign_out: "Sign out", "Se déconnecter";
    sign_in: "Sign in", "Se connecter";
    signed_out_title: "You are signed out", "Vous êtes déconnecté";
    signed_out: "Close the browser if others use this computer.",
        "Fermez le navigateur si d’autres personnes utilisent cet ordinateur.";
    sign_out_provider: "Sign out of the identity provider too", "Se déconnecter aussi du fournisseur d’identité";
    back: "Back", "Retour";
    cancel: "Cancel", "Annuler";
    no: "No", "Non";
    never: "Never", "Jamais";
    none: "None", "Aucun";
    warning: "Attention", "Attention";
    done: "Done", "C’est fait";
    problem: "Not done", "Non effectué";

    my_mailbox: "My voice mail", "Ma messagerie vocale";
    no_mailbox_title: "No voice mailbox", "Pas de messagerie vocale";
    no_mailbox: "There is no voice mailbox under this name. Ask the help desk if you should have one.",
        "Aucune messagerie vocale ne porte ce nom. Adressez-vous à l’assistance si vous devriez en avoir une.";
    call_in: "How to call in", "Comment appeler";
    access_numbers: "Access numbers", "Numéros d’accès";
    extension: "Extension", "Numéro de poste";
    ask_numbers: "Ask the help desk", "Demandez à l’assistance";
    from_administrators: "From your administrators", "De vos administrateurs";
    reset_my_pin: "Reset my PIN", "Réinitialiser mon code";
    reset_my_pin_help: "A new PIN is made and mailed to", "Un nouveau code est créé et envoyé à";
    reset_my_pin_then: "The old one stops working at once. At the next call you choose a PIN of your own.",
        "L’ancien cesse aussitôt de fonctionner. Au prochain appel, vous choisirez votre propre code.";
    reset_my_pin_done: "Your new PIN was mailed to you.", "Votre nouveau code vous a été envoyé.";
    reset_my_pin_waits: "Your PIN was reset, but the mail could not be sent yet. It is tried again by itself.",
        "Votre code a été réinitialisé, mais le message n’a pas encore pu être envoyé. Un nouvel essai aura lieu.";
    locked_by_administrator: "An administrator locked this mailbox, and only an administrator may unlock it.",
        "Un administrateur a verrouillé cette boîte, et seul un administrateur peut la déverrouiller.";
    change_my_pin: "Change my PIN", "Changer mon code";
    change_my_pin_help: "With the PIN you have now.", "Avec le code que vous avez actuellement.";
    old_pin: "PIN now", "Code actuel";
    new_pin: "New PIN", "Nouveau code";
    new_pin_again: "New PIN again", "Nouveau code, encore une fois";
    change: "Change", "Changer";
    change_done: "Your PIN was changed.", "Votre code a été changé.";
    change_refused: "That PIN does not sign in, or the mailbox is locked. The try was counted, as on the telephone.",
        "Ce code n’ouvre pas la boîte, ou elle est verrouillée. L’essai a été compté, comme au téléphone.";
    change_not_same: "The two new PINs are not the same. Nothing was changed.",
        "Les deux nouveaux codes diffèrent. Rien n’a été changé.";
    change_missing: "Fill in all three fields. Nothing was changed.", "Remplissez les trois champs. Rien n’a été \
        changé.";
    change_breaks: "The new PIN breaks a rule. Nothing was changed.",
        "Le nouveau code enfreint une règle. Rien n’a été changé.";
    rules: "Rules for a new PIN", "Règles d’un nouveau code";
    rule_met: "kept", "respectée";
    rule_broken: "broken", "enfreinte";
    rule_too_short: "At least {} digits", "Au moins {} chiffres";
    rule_too_long: "At most 24 digits", "Au plus 24 chiffres";
    rule_digits: "Only the digits 0 to 9", "Uniquement les chiffres 0 à 9";
    rule_run: "Not one run of digits (123456, 654321, 111111)",
        "Pas une suite de chiffres (123456, 654321, 111111)";
    rule_extension: "Does not contain your extension", "Ne contient pas votre numéro de poste";
    rule_tail: "Is not the end of your extension", "N’est pas la fin de votre numéro de poste";
    rule_human: "None of the PINs that people choose most (years, dates, patterns of keys)",
        "Pas un des codes que l’on choisit le plus (années, dates, motifs de touches)";
    rule_used: "None of your last {} PINs", "Aucun de vos {} derniers codes";

    find: "Find a person", "Rechercher une personne";
    find_label: "Name, alias, address, account or extension",
        "Nom, alias, adresse, compte ou numéro de poste";
    find_button: "Find", "Rechercher";
    find_nobody: "Nobody with a voice mailbox was found.", "Aucune personne ayant une messagerie vocale n’a été \
        trouvée.";
    find_more: "More people match. Type more of the name.", "D’autres personnes correspondent. Précisez le nom.";
    results: "People found", "Personnes trouvées";
    attention: "Locked or expired", "Verrouillés ou expirés";
    attention_none: "Nobody is locked, and no PIN is expired.", "Personne n’est verrouillé, et aucun code n’a expiré.";
    attention_more: "Next", "Suite";
    person: "Person", "Personne";
    address: "Address", "Adresse";
    state: "State", "État";

    pin_status: "PIN status", "État du code";
    not_locked: "Not locked out", "Non verrouillé";
    locked: "Locked out", "Verrouillé";
    lock_reason: "Why it is locked", "Raison du verrouillage";
    lock_administrator: "By an administrator", "Par un administrateur";
    lock_failures: "Too many wrong PINs in a row", "Trop de codes faux de suite";
    lock_total: "Too many wrong PINs in total", "Trop de codes faux au total";
    expired: "Expired", "Expiré";
    not_expired: "Valid", "Valide";
    pin: "PIN", "Code";
    failures: "Wrong PINs since the last right one", "Codes faux depuis le dernier juste";
    last_set: "Last set", "Défini le";
    expires: "Expires", "Expire le";
    first_time: "First-time user", "Nouvel utilisateur";
    first_time_yes: "Yes: has not called in yet", "Oui : n’a pas encore appelé";
    mail_waits: "Mail that waits", "Messages en attente";
    mail_waits_since: "to {} since {}, tried {} times", "à {} depuis {}, {} essais";
    mailbox: "Voice mailbox", "Boîte vocale";
    policy: "UM mailbox policy", "Stratégie de boîte aux lettres MU";
    plan: "Dial plan", "Plan de numérotation";

    reset_pin: "Reset PIN", "Réinitialiser le code";
    lock: "Lock", "Verrouiller";
    unlock: "Unlock", "Déverrouiller";
    generate: "Automatically generate a PIN", "Générer automatiquement un code";
    type_pin: "Type a PIN", "Saisir un code";
    must_change: "Require the user to reset their PIN the first time they sign in",
        "Exiger que l’utilisateur change de code à sa première connexion";
    notify: "Send the notice to another address", "Envoyer l’avis à une autre adresse";
    notify_help: "Empty: to the person’s own address.", "Vide : à l’adresse de la personne.";
    pin_hint: "At least {} digits.", "Au moins {} chiffres.";
    next: "Continue", "Continuer";
    confirm_title: "This will happen", "Voici ce qui sera fait";
    what_if: "Performing the operation \"{}\" on target \"{}\".", "Opération « {} » en cours sur la cible « {} ».";
    reset_means: "The PIN is replaced at once and mailed. A lock and the count of wrong PINs are cleared.",
        "Le code est remplacé aussitôt et envoyé. Le verrou et le nombre de codes faux sont effacés.";
    lock_means: "No PIN signs in until the mailbox is unlocked. The PIN stays as it is.",
        "Aucun code n’ouvre la boîte avant le déverrouillage. Le code reste le même.";
    unlock_means: "The lock and every count of wrong PINs are cleared. The PIN stays as it is.",
        "Le verrou et tous les nombres de codes faux sont effacés. Le code reste le même.";
    reset_done: "The PIN was reset and the notice was sent.", "Le code a été réinitialisé et l’avis envoyé.";
    reset_waits: "The PIN was reset, but the notice waits.", "Le code a été réinitialisé, mais l’avis attend.";
    lock_done: "The mailbox is locked.", "La boîte est verrouillée.";
    unlock_done: "The mailbox is unlocked.", "La boîte est déverrouillée.";

    trail: "Audit trail", "Journal d’audit";
    trail_empty: "Nothing is recorded.", "Rien n’est enregistré.";
    trail_more: "Earlier records", "Enregistrements antérieurs";
    when: "When", "Quand";
    who: "Who", "Qui";
    what: "What", "Quoi";
    result: "Result", "Résultat";
    refused: "refused", "refusé";

    no_name_title: "Not signed in", "Non connecté";
    no_name: "The sign-in in front of this page did not say who you are. Tell the help desk.",
        "La connexion en amont de cette page n’a pas indiqué qui vous êtes. Prévenez l’assistance.";
    forbidden_title: "Not allowed", "Non autorisé";
    forbidden: "Your account has no role for this page.", "Votre compte n’a pas de rôle pour cette page.";
    not_found_title: "Not found", "Introuvable";
    not_found: "There is no such page, or nobody with a voice mailbox by that name.",
        "Cette page n’existe pas, ou personne de ce nom n’a de messagerie vocale.";
    forged_title: "Nothing was changed", "Rien n’a été changé";
    forged: "This form did not come from this page, or it is too old. Open the page again and repeat it.",
        "Ce formulaire ne vient pas de cette page, ou il est trop ancien. Ouvrez la page et recommencez.";
    stale_title: "Nothing was changed", "Rien n’a été changé";
    stale: "The change was not confirmed in time, or something else changed the mailbox. Begin again.",
        "Le changement n’a pas été confirmé à temps, ou la boîte a changé entre-temps. Recommencez.";
    too_many_title: "Too many resets", "Trop de réinitialisations";
    too_many: "Nothing was changed. Wait an hour, or ask an administrator.",
        "Rien n’a été changé. Attendez une heure ou adressez-vous à un administrateur.";
    sign_in_failed_title: "The sign-in failed", "La connexion a échoué";
    sign_in_failed: "Nobody was signed in. Try again; if it fails again, tell the help desk.",
        "Personne n’a été connecté. Réessayez ; en cas de nouvel échec, prévenez l’assistance.";
    provider_title: "Signing in is not possible now", "Connexion impossible pour le moment";
    provider: "The identity provider does not answer. Try again later.",
        "Le fournisseur d’identité ne répond pas. Réessayez plus tard.";
    unavailable_title: "Not available now", "Indisponible pour le moment";
    unavailable: "Nothing was shown or changed. Try again later; the administrators find the reason in the log.",
        "Rien n’a été affiché ni changé. Réessayez plus tard ; les administrateurs trouveront la raison dans le \
         journal.";
    too_large_title: "Too much", "Trop volumineux";
    too_large: "What was sent is too large. Nothing was changed.", "L’envoi est trop volumineux. Rien n’a été changé.";
    slow_title: "Too slow", "Trop lent";
    slow: "The request took too long to arrive. Nothing was changed.",
        "La requête a mis trop de temps à arriver. Rien n’a été changé.";
    bad_request_title: "Not understood", "Requête incomprise";
    bad_request: "This request is not understood. Nothing was changed.",
        "Cette requête n’est pas comprise. Rien n’a été changé.";
}

impl Texts {
    /// Whether this is the library's own language, in which its words need no mark.
    pub(crate) fn is_english(&self) -> bool {
        self.tag == "en"
    }
}

/// A text with its gaps filled in order.
pub(crate) fn fill(text: &str, gaps: &[&str]) -> String {
    let mut parts = text.split("{}");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (part, gap) in parts.zip(gaps) {
        out.push_str(gap);
        out.push_str(part);
    }
    out
}

/// The texts of the language that the browser prefers; English where it names none that there is.
pub(crate) fn texts_for(headers: &HeaderMap) -> &'static Texts {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut best: (f32, &'static Texts) = (0.0, &ENGLISH);
    for choice in wanted.split(',') {
        let mut parts = choice.split(';').map(str::trim);
        let language = parts.next().unwrap_or_default().split('-').next().unwrap_or_default();
        let texts = match language.to_ascii_lowercase().as_str() {
            "en" => &ENGLISH,
            "fr" => &FRENCH,
            _ => continue,
        };
        let quality = parts.find_map(|p| p.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
        if quality > best.0 {
            best = (quality, texts);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn chosen(accept: &str) -> &'static str {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
        texts_for(&headers).tag
    }

    #[test]
    fn the_browsers_preferred_language_is_taken() {
        assert_eq!(chosen("fr-CA,fr;q=0.9,en;q=0.8"), "fr");
        assert_eq!(chosen("de,en;q=0.5,fr;q=0.7"), "fr");
        assert_eq!(chosen("en,fr"), "en");
        assert_eq!(chosen("de"), "en");
        assert_eq!(chosen("fr;q=0"), "en");
        assert_eq!(texts_for(&HeaderMap::new()).tag, "en");
    }

    #[test]
    fn each_text_has_the_same_gaps_in_both_languages() {
        for (name, en, fr) in PAIRS {
            assert!(!en.is_empty() && !fr.is_empty(), "{name}");
            assert_eq!(en.matches("{}").count(), fr.matches("{}").count(), "{name}");
        }
        assert_eq!(fill("a {} b {}.", &["1", "2"]), "a 1 b 2.");
    }
}
