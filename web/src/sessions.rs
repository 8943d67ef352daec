//! Who is signed in: in memory alone, short, and ended by signing out.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, header};
use rand::TryRng;
use rand::rngs::SysRng;

use crate::app::App;
use crate::configuration::ProxySettings;
use crate::failure::Failure;
use crate::identity::Person;
use crate::open_id::Started;

/// How long a session may stay unused before it ends.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// How long a session lasts at most, however much it is used.
const LONGEST: Duration = Duration::from_secs(4 * 60 * 60);
/// How long a sign-in at the provider may take.
const SIGN_IN: Duration = Duration::from_secs(10 * 60);
/// How many of each kind are kept at once; when there are more, the one that was unused for longest goes. About 1 KB
/// each.
const MOST: usize = 10_000;

/// The cookie of somebody who is signed in. The prefix keeps it from other hosts, other paths and plain connections.
const COOKIE: &str = "__Host-umpin";
/// The cookie of somebody who is on the way to the provider and back.
const SIGN_IN_COOKIE: &str = "__Host-umpin-sign-in";

/// 256 random bits as text.
pub(crate) fn random_token() -> Result<String, Failure> {
    let mut bytes = [0u8; 32];
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| Failure::Unavailable("the system gave no random numbers".into()))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

/// Things that end by themselves after a time, with a limit to their number.
struct Fading<K, T> {
    kept: HashMap<K, Entry<T>>,
    idle: Duration,
    longest: Duration,
}

struct Entry<T> {
    value: T,
    since: Instant,
    used: Instant,
}

impl<K: Clone + Eq + Hash, T> Fading<K, T> {
    fn new(idle: Duration, longest: Duration) -> Self {
        Self { kept: HashMap::new(), idle, longest }
    }

    fn put(&mut self, key: K, value: T, now: Instant) {
        if self.kept.len() >= MOST {
            let (idle, longest) = (self.idle, self.longest);
            self.kept.retain(|_, e| e.lives(now, idle, longest));
            if self.kept.len() >= MOST
                && let Some(oldest) = self.kept.iter().min_by_key(|(_, e)| e.used).map(|(key, _)| key.clone())
            {
                self.kept.remove(&oldest);
            }
        }
        self.kept.insert(key, Entry { value, since: now, used: now });
    }

    fn get(&mut self, key: &K, now: Instant) -> Option<&T> {
        if self.kept.get(key).is_some_and(|e| !e.lives(now, self.idle, self.longest)) {
            self.kept.remove(key);
        }
        let entry = self.kept.get_mut(key)?;
        entry.used = now;
        Some(&entry.value)
    }

    fn take(&mut self, key: &K, now: Instant) -> Option<T> {
        let (idle, longest) = (self.idle, self.longest);
        self.kept.remove(key).filter(|e| e.lives(now, idle, longest)).map(|e| e.value)
    }
}

impl<T> Entry<T> {
    fn lives(&self, now: Instant, idle: Duration, longest: Duration) -> bool {
        now.duration_since(self.used) < idle && now.duration_since(self.since) < longest
    }
}

/// All sessions, and all sign-ins on the way.
pub(crate) struct Sessions {
    people: Mutex<Fading<String, Arc<Person>>>,
    by_proxy: Mutex<Fading<String, Arc<Person>>>,
    started: Mutex<Fading<String, Started>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sessions {
    pub(crate) fn new() -> Self {
        Self {
            people: Mutex::new(Fading::new(IDLE, LONGEST)),
            by_proxy: Mutex::new(Fading::new(IDLE, LONGEST)),
            started: Mutex::new(Fading::new(SIGN_IN, SIGN_IN)),
        }
    }

    /// Whom the cookie belongs to.
    pub(crate) fn of_cookie(&self, headers: &HeaderMap) -> Option<Arc<Person>> {
        let token = cookie(headers, COOKIE)?;
        locked(&self.people).get(&token, Instant::now()).cloned()
    }

    /// A new session under a name that nobody knew before, whatever cookie came along. The answer is the cookie.
    pub(crate) fn begin(&self, person: Person, headers: &HeaderMap) -> Result<String, Failure> {
        let token = random_token()?;
        let mut people = locked(&self.people);
        if let Some(old) = cookie(headers, COOKIE) {
            people.take(&old, Instant::now());
        }
        people.put(token.clone(), Arc::new(person), Instant::now());
        Ok(set_cookie(COOKIE, &token))
    }

    /// Ends a session. The answer removes the cookie.
    pub(crate) fn end(&self, headers: &HeaderMap) -> String {
        if let Some(token) = cookie(headers, COOKIE) {
            locked(&self.people).take(&token, Instant::now());
        }
        remove_cookie(COOKIE)
    }

    /// Keeps what the provider's answer must fit. The answer is the cookie that binds it to this browser.
    pub(crate) fn start(&self, started: Started) -> Result<String, Failure> {
        let token = random_token()?;
        locked(&self.started).put(token.clone(), started, Instant::now());
        Ok(set_cookie(SIGN_IN_COOKIE, &token))
    }

    /// Takes it again: an answer of the provider is good for one sign-in of one browser.
    pub(crate) fn started(&self, headers: &HeaderMap) -> (Option<Started>, String) {
        let token = cookie(headers, SIGN_IN_COOKIE);
        (token.and_then(|token| locked(&self.started).take(&token, Instant::now())), remove_cookie(SIGN_IN_COOKIE))
    }

    /// The person that the proxy names. One session a person, found by the name that comes with every request; the
    /// roles are those of the groups that come with this one.
    pub(crate) fn of_proxy(
        &self,
        app: &App,
        proxy: &ProxySettings,
        headers: &HeaderMap,
    ) -> Result<Arc<Person>, Failure> {
        let name = only_value(headers, &proxy.user_header)?.filter(|name| !name.trim().is_empty());
        let name = name.ok_or_else(|| Failure::NoName("the proxy sent no name".into()))?;
        let groups = match &proxy.groups_header {
            None => None,
            Some(header) => only_value(headers, header)?,
        };
        let groups: Vec<String> =
            groups.unwrap_or_default().split(',').map(|g| g.trim().to_owned()).filter(|g| !g.is_empty()).collect();
        let roles = app.configuration.roles.roles_of(&groups);
        let mut people = locked(&self.by_proxy);
        let now = Instant::now();
        if let Some(person) = people.get(&name, now).filter(|person| person.roles == roles) {
            return Ok(Arc::clone(person));
        }
        let person = Arc::new(Person::new(app, &name, roles)?);
        people.put(name, Arc::clone(&person), now);
        Ok(person)
    }
}

/// A header's value. Where there are two, somebody sent one past the proxy, and neither is believed.
fn only_value(headers: &HeaderMap, name: &str) -> Result<Option<String>, Failure> {
    let Ok(name) = HeaderName::try_from(name) else { return Ok(None) };
    let mut values = headers.get_all(&name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text.to_owned())),
            // Names beyond ASCII come as UTF-8, which HTTP itself does not say.
            Err(_) => String::from_utf8(value.as_bytes().to_vec())
                .map(Some)
                .map_err(|_| Failure::NoName(format!("{name} is not UTF-8"))),
        },
        (Some(_), Some(_)) => Err(Failure::NoName(format!("{name} came more than once"))),
    }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned());
    // A second one of the same name was put there by somebody else.
    let one = found.next()?;
    found.next().is_none().then_some(one)
}

fn set_cookie(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax")
}

fn remove_cookie(name: &str) -> String {
    format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_session_ends_when_it_is_idle_and_when_it_is_old() {
        let start = Instant::now();
        let mut kept = Fading::new(IDLE, LONGEST);
        kept.put("a", 1, start);
        let step = IDLE - Duration::from_secs(1);
        let mut now = start;
        while now + step < start + LONGEST {
            now += step;
            assert_eq!(kept.get(&"a", now), Some(&1));
        }
        assert_eq!(kept.get(&"a", start + LONGEST), None, "old");
        kept.put("b", 2, start);
        assert_eq!(kept.get(&"b", start + IDLE), None, "idle");
    }

    #[test]
    fn there_are_never_more_than_the_most() {
        let start = Instant::now();
        let mut kept = Fading::new(IDLE, LONGEST);
        for n in 0..MOST + 5 {
            kept.put(n, n, start + Duration::from_millis(n as u64));
        }
        assert_eq!(kept.kept.len(), MOST);
        let now = start + Duration::from_secs(60);
        assert!(kept.get(&0, now).is_none() && kept.get(&(MOST + 4), now).is_some());
    }

    #[test]
    fn of_two_cookies_with_one_name_none_is_believed() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "x=1; __Host-umpin=good; y=2".parse().unwrap());
        assert_eq!(cookie(&headers, COOKIE).as_deref(), Some("good"));
        headers.append(header::COOKIE, "__Host-umpin=planted".parse().unwrap());
        assert_eq!(cookie(&headers, COOKIE), None);
    }
}
