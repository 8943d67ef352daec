//! French.

use super::Texts;

pub(super) const TEXTS: Texts = Texts {
    language: "fr",
    welcome_subject: "Bienvenue dans la messagerie unifiée Exchange",
    reset_subject: "Votre code confidentiel de messagerie vocale a été réinitialisé",
    changed_subject: "Votre code confidentiel de messagerie vocale a été modifié",
    expiry_subject: "Votre code confidentiel de messagerie vocale expire bientôt",
    test_subject: "Message de test du système de messagerie vocale",
    greeting: "Bonjour {name},",
    welcome: "La messagerie vocale est activée pour votre boîte aux lettres {user}. Voici comment l'écouter par \
        téléphone.",
    reset: "Le code confidentiel de messagerie vocale de votre boîte aux lettres {user} a été réinitialisé. L'ancien \
            code ne fonctionne plus.",
    changed: "Le code confidentiel de messagerie vocale de votre boîte aux lettres {user} a été modifié. Par sécurité, \
              ce message ne contient pas le nouveau code ; votre centre d'assistance vous le communiquera.",
    expiry: "Le code confidentiel de messagerie vocale de votre boîte aux lettres {user} expire le {date}. Appelez le \
             système avant cette date pour en choisir un nouveau ; sinon, il vous sera demandé à votre prochaine \
             connexion.",
    test: "Ce message montre que les avis de messagerie vocale peuvent être remis. Il ne contient aucun code, et vous \
           n'avez rien à faire.",
    call_in: "Appelez le système de messagerie vocale, saisissez votre numéro de poste lorsque vous y êtes invité, \
              puis votre code confidentiel.",
    call_in_unknown: "Appelez le système de messagerie vocale depuis votre téléphone, puis saisissez votre code \
        confidentiel.",
    access_number: "Numéro d'accès",
    extension: "Numéro de poste",
    pin: "Code confidentiel",
    must_change: "Vous devrez choisir un nouveau code lors de votre première connexion.",
    need_not_change: "Vous pouvez conserver ce code ou en choisir un autre dans les options personnelles de votre \
        téléphone.",
    not_you: "Si vous n'attendiez pas ce message, prévenez votre centre d'assistance.",
};
