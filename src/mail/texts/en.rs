//! English.

use super::Texts;

pub(super) const TEXTS: Texts = Texts {
    language: "en",
    welcome_subject: "Welcome to Exchange Unified Messaging",
    reset_subject: "Your voice mail PIN was reset",
    changed_subject: "Your voice mail PIN was changed",
    expiry_subject: "Your voice mail PIN expires soon",
    test_subject: "Test message from the voice mail system",
    greeting: "Hello {name},",
    welcome: "Voice mail has been set up for your mailbox {user}. Here is what you need to listen to it by telephone.",
    reset: "The voice mail PIN for your mailbox {user} was reset. The PIN that you used before no longer works.",
    changed: "The voice mail PIN for your mailbox {user} was changed. For your safety this message does not show the \
              new PIN; your help desk tells it to you.",
    expiry: "The voice mail PIN for your mailbox {user} expires on {date}. Call in before then and choose a new one; \
             otherwise you will be asked for a new one at your next sign-in.",
    test: "This message shows that voice mail notices can be delivered. It holds no PIN, and nothing needs to be done.",
    call_in: "Call the voice mail system, enter your extension when asked, and then your PIN.",
    call_in_unknown: "Call the voice mail system from your telephone, and enter your PIN when asked.",
    access_number: "Access number",
    extension: "Extension",
    pin: "PIN",
    must_change: "You will be asked to choose a new PIN when you first sign in.",
    need_not_change: "You can keep this PIN, or choose another one in your telephone's personal options.",
    not_you: "If you did not expect this, tell your help desk.",
};
