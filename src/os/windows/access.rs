//! Accounts, owners and access lists.

use std::ffi::c_void;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr::{null, null_mut};

use super::{CloseHandle, LocalFree, wide, wide_path};

#[link(name = "kernel32")]
unsafe extern "system" {
    fn GetCurrentProcess() -> *mut c_void;
    fn GetCurrentThread() -> *mut c_void;
}

#[link(name = "advapi32")]
unsafe extern "system" {
    fn OpenThreadToken(thread: *mut c_void, access: u32, as_self: i32, token: *mut *mut c_void) -> i32;
    fn OpenProcessToken(process: *mut c_void, access: u32, token: *mut *mut c_void) -> i32;
    fn GetTokenInformation(token: *mut c_void, class: i32, out: *mut c_void, size: u32, needed: *mut u32) -> i32;
    fn ConvertSidToStringSidW(sid: *const c_void, text: *mut *mut u16) -> i32;
    fn ConvertStringSidToSidW(text: *const u16, sid: *mut *mut c_void) -> i32;
    fn LookupAccountSidW(
        system: *const u16,
        sid: *const c_void,
        name: *mut u16,
        name_size: *mut u32,
        domain: *mut u16,
        domain_size: *mut u32,
        kind: *mut i32,
    ) -> i32;
    fn ConvertStringSecurityDescriptorToSecurityDescriptorW(
        text: *const u16,
        revision: u32,
        descriptor: *mut *mut c_void,
        size: *mut u32,
    ) -> i32;
    fn GetSecurityInfo(
        handle: *mut c_void,
        kind: i32,
        what: u32,
        owner: *mut *mut c_void,
        group: *mut *mut c_void,
        list: *mut *mut c_void,
        audit: *mut *mut c_void,
        descriptor: *mut *mut c_void,
    ) -> u32;
    fn SetFileSecurityW(name: *const u16, what: u32, descriptor: *const c_void) -> i32;
    fn GetAce(list: *const c_void, index: u32, entry: *mut *mut c_void) -> i32;
}

/// Memory that the system says to free by LocalFree.
pub(super) struct Local(pub(super) *mut c_void);

impl Drop for Local {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a function that says to free it so, and is not used again. Null is allowed.
        unsafe { LocalFree(self.0) };
    }
}

/// A SID's text, `S-1-5-18` for one.
fn sid_text(sid: *const c_void) -> io::Result<String> {
    let mut text = null_mut();
    // SAFETY: the caller's SID is valid; `text` receives a NUL-terminated string.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let _held = Local(text.cast());
    let mut length = 0;
    // SAFETY: the string ends with NUL and lives as long as `_held`.
    let units = unsafe {
        while *text.add(length) != 0 {
            length += 1;
        }
        std::slice::from_raw_parts(text, length)
    };
    Ok(String::from_utf16_lossy(units))
}

/// The SID of the account that this thread acts for: the caller's where a server has taken that on, else the process's.
fn own_sid() -> io::Result<String> {
    const TOKEN_QUERY: u32 = 8;
    const TOKEN_USER: i32 = 1;
    const NO_TOKEN: i32 = 1008;
    let mut token = null_mut();
    // SAFETY: the pseudo-handles are always valid; `token` receives a handle that is closed below.
    let opened = unsafe {
        OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, 1, &raw mut token) != 0
            // A thread that acts for somebody who may not be known is not the process.
            || io::Error::last_os_error().raw_os_error() == Some(NO_TOKEN)
                && OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) != 0
    };
    if !opened {
        return Err(io::Error::last_os_error());
    }
    // A pointer to the SID, which lies behind it in the same buffer. u64 for the alignment; the longest SID has 68
    // bytes.
    let mut buffer = [0u64; 32];
    let mut needed = 0;
    // SAFETY: the buffer has the size given.
    let told = unsafe {
        GetTokenInformation(token, TOKEN_USER, buffer.as_mut_ptr().cast(), size_of_val(&buffer) as u32, &raw mut needed)
    };
    let error = io::Error::last_os_error();
    // SAFETY: the handle was opened above and is not used again.
    unsafe { CloseHandle(token) };
    if told == 0 {
        return Err(error);
    }
    // SAFETY: the call succeeded, so the first word is the pointer to the SID, and the buffer still lives.
    sid_text(unsafe { *buffer.as_ptr().cast::<*const c_void>() })
}

/// `DOMAIN\name` of a SID; the SID itself where nobody knows a name, since a domain that cannot be asked is no error.
fn account_name(sid: &str) -> String {
    let text = wide(sid);
    let mut raw = null_mut();
    // SAFETY: the text is NUL-terminated; `raw` receives memory that `Local` frees.
    if unsafe { ConvertStringSidToSidW(text.as_ptr(), &raw mut raw) } == 0 {
        return sid.into();
    }
    let held = Local(raw);
    let (mut name, mut domain) = (vec![0u16; 512], vec![0u16; 512]);
    let (mut name_size, mut domain_size, mut kind) = (512, 512, 0);
    // SAFETY: both buffers have the sizes given, and the SID lives as long as `held`.
    let found = unsafe {
        LookupAccountSidW(
            null(),
            held.0,
            name.as_mut_ptr(),
            &raw mut name_size,
            domain.as_mut_ptr(),
            &raw mut domain_size,
            &raw mut kind,
        )
    };
    let (Some(name), Some(domain)) = (name.get(..name_size as usize), domain.get(..domain_size as usize)) else {
        return sid.into();
    };
    match (found, domain.is_empty()) {
        (0, _) => sid.into(),
        (_, true) => String::from_utf16_lossy(name),
        _ => format!("{}\\{}", String::from_utf16_lossy(domain), String::from_utf16_lossy(name)),
    }
}

/// The account this thread acts for, as the system names it, found by its SID: `DOMAIN\name`.
pub fn account() -> String {
    own_sid().map_or_else(|_| "unknown".into(), |sid| account_name(&sid))
}

const SYSTEM: &str = "S-1-5-18";
const ADMINISTRATORS: &str = "S-1-5-32-544";
/// Windows' own installer, which owns the root of the system's disk.
const TRUSTED_INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";

/// What is asked for where a link or a junction lies at a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The link.
    Itself,
    /// What it leads to.
    Target,
}

const READ_CONTROL: u32 = 0x0002_0000;
const BACKUP_SEMANTICS: u32 = 0x0200_0000;
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;

/// Opens what lies at `path` to ask for its owner and its list.
fn open_to_ask(path: &Path, link: Link) -> io::Result<File> {
    let flags = match link {
        Link::Itself => BACKUP_SEMANTICS | OPEN_REPARSE_POINT,
        Link::Target => BACKUP_SEMANTICS,
    };
    // Folders can be opened only so; nothing but the descriptor is asked, so nobody's lock is in the way.
    OpenOptions::new().access_mode(READ_CONTROL).custom_flags(flags).open(path)
}

/// Opens a log or a journal of SQLite's to ask for its owner and its list: like SQLite's own handles, this one lets
/// nobody remove the file meanwhile. Where a removed file stays as long as somebody has it open, the next connection
/// would find a journal whose transaction is over, and undo that.
pub fn open_log(path: &Path) -> io::Result<File> {
    const READ_DATA: u32 = 1;
    const SHARE_READ_AND_WRITE: u32 = 3;
    let mut options = OpenOptions::new();
    options.access_mode(READ_CONTROL | READ_DATA).share_mode(SHARE_READ_AND_WRITE);
    options.custom_flags(BACKUP_SEMANTICS | OPEN_REPARSE_POINT);
    super::retry(|| options.open(path))
}

/// What belongs to a file: its owner's SID and its list of who may do what.
struct Security {
    descriptor: Local,
    owner: *mut c_void,
    /// Null: everybody may do everything.
    list: *mut c_void,
}

impl Security {
    /// Of what lies at `path`.
    fn read(path: &Path, link: Link) -> io::Result<Self> {
        Self::read_open(&open_to_ask(path, link)?)
    }

    fn read_open(file: &File) -> io::Result<Self> {
        use std::os::windows::io::AsRawHandle;
        let (mut owner, mut list, mut descriptor) = (null_mut(), null_mut(), null_mut());
        // SAFETY: the handle is open, and the pointers receive what `descriptor` holds, which `Local` frees.
        let status = unsafe {
            GetSecurityInfo(
                file.as_raw_handle(),
                SE_FILE_OBJECT,
                OWNER | LIST,
                &raw mut owner,
                null_mut(),
                &raw mut list,
                null_mut(),
                &raw mut descriptor,
            )
        };
        match status {
            0 => Ok(Self { descriptor: Local(descriptor), owner, list }),
            _ => Err(io::Error::from_raw_os_error(status as i32)),
        }
    }

    fn owner(&self) -> io::Result<String> {
        sid_text(self.owner)
    }

    /// The list's entries, in its order.
    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut raw = null_mut();
        // SAFETY: the list is one of the descriptor's, which lives as long as `self`; past its end the call fails.
        while unsafe { GetAce(self.list, entries.len() as u32, &raw mut raw) } != 0 {
            // ACCESS_ALLOWED_ACE, ACCESS_ALLOWED_CALLBACK_ACE: kind and flags, a byte each; the length; four bytes of
            // rights; the SID.
            // SAFETY: GetAce gave a pointer to an entry, and every kind of it is at least as long as that header.
            let (kind, flags, rights, sid) = unsafe {
                let bytes = raw.cast::<u8>();
                (*bytes, *bytes.add(1), bytes.add(4).cast::<u32>().read_unaligned(), bytes.add(8).cast::<c_void>())
            };
            let is_grant = ALLOWED.contains(&kind);
            // Other kinds have something else in the SID's place.
            let sid = if is_grant { sid_text(sid)? } else { String::new() };
            entries.push(Entry { is_grant, flags, rights, sid });
        }
        Ok(entries)
    }

    /// The SIDs of all whom the list grants one of the rights in `mask`.
    fn granted(&self, mask: u32) -> io::Result<Vec<String>> {
        const INHERIT_ONLY: u8 = 8;
        if self.list.is_null() {
            return Ok(vec![EVERYONE.into()]);
        }
        let grants = |e: &Entry| e.is_grant && e.flags & INHERIT_ONLY == 0 && e.rights & mask != 0;
        Ok(self.entries()?.into_iter().filter(grants).map(|e| e.sid).collect())
    }

    /// The first of the groups that take everybody in, or nearly, which the list grants one of the rights in `mask`.
    fn granted_to_all(&self, mask: u32) -> io::Result<Option<String>> {
        Ok(self.granted(mask)?.into_iter().find(|sid| is_nearly_everybody(sid)).map(|sid| account_name(&sid)))
    }
}

/// ACCESS_ALLOWED_ACE_TYPE; ACCESS_ALLOWED_CALLBACK_ACE_TYPE, which grants where a condition holds.
const ALLOWED: [u8; 2] = [0, 9];

/// One of a list's.
struct Entry {
    is_grant: bool,
    flags: u8,
    rights: u32,
    sid: String,
}

const SE_FILE_OBJECT: i32 = 1;
const OWNER: u32 = 1;
const LIST: u32 = 4;
const EVERYONE: &str = "S-1-1-0";

/// Everyone, Local, Network, Interactive, Anonymous, Authenticated Users, Remote Interactive Logon, This Organization,
/// Local account, Users, Guests; a domain's users, guests and computers.
fn is_nearly_everybody(sid: &str) -> bool {
    const GROUPS: [&str; 11] = [
        EVERYONE,
        "S-1-2-0",
        "S-1-5-2",
        "S-1-5-4",
        "S-1-5-7",
        "S-1-5-11",
        "S-1-5-14",
        "S-1-5-15",
        "S-1-5-113",
        "S-1-5-32-545",
        "S-1-5-32-546",
    ];
    let of_a_domain = |end| sid.starts_with("S-1-5-21-") && sid.ends_with(end);
    GROUPS.contains(&sid) || ["-513", "-514", "-515"].into_iter().any(of_a_domain)
}

/// The account that owns what lies at `path`, where that is neither SYSTEM, Administrators, Windows itself nor this
/// account: whoever owns a file may give himself every right to it.
pub fn foreign_owner(path: &Path, link: Link) -> io::Result<Option<String>> {
    foreign_owner_of(&open_to_ask(path, link)?)
}

/// The same of a file that is open.
pub fn foreign_owner_of(file: &File) -> io::Result<Option<String>> {
    let owner = Security::read_open(file)?.owner()?;
    Ok((!is_trusted(&owner, &own_sid()?)).then(|| account_name(&owner)))
}

fn is_trusted(sid: &str, own: &str) -> bool {
    [SYSTEM, ADMINISTRATORS, TRUSTED_INSTALLER, own].contains(&sid)
}

/// Reading or writing a file's contents, removing it, or changing who may: FILE_READ_DATA, FILE_WRITE_DATA,
/// FILE_APPEND_DATA, DELETE, WRITE_DAC, WRITE_OWNER, GENERIC_ALL, GENERIC_WRITE, GENERIC_READ.
const FILE_RIGHTS: u32 = 0xD00D_0007;
/// Making or removing what lies in a folder, or changing who may: the same without reading, with FILE_DELETE_CHILD.
const FOLDER_RIGHTS: u32 = 0x500D_0046;

/// A group of nearly everybody (Everyone, Users, Authenticated Users ...) that may read or write the open file.
pub fn open_to_all(file: &File) -> io::Result<Option<String>> {
    Security::read_open(file)?.granted_to_all(FILE_RIGHTS)
}

/// The same for the file at a path.
pub fn file_open_to_all(path: &Path) -> io::Result<Option<String>> {
    Security::read(path, Link::Target)?.granted_to_all(FILE_RIGHTS)
}

/// A group of nearly everybody that may put files into the folder or take them out.
pub fn folder_open_to_all(folder: &Path) -> io::Result<Option<String>> {
    Security::read(folder, Link::Target)?.granted_to_all(FOLDER_RIGHTS)
}

/// Whether a folder's list lets certain other accounts make files in it, and not nearly everybody.
pub fn is_shared_folder(folder: &Path) -> io::Result<bool> {
    // Who makes a file has it, whoever that is: no account of its own.
    const CREATOR: &str = "S-1-3-";
    let own = own_sid()?;
    let granted = Security::read(folder, Link::Target)?.granted(FOLDER_RIGHTS)?;
    Ok(!granted.iter().any(|sid| is_nearly_everybody(sid))
        && granted.iter().any(|sid| !is_trusted(sid, &own) && !sid.starts_with(CREATOR)))
}

/// What a new file or folder is made with.
#[repr(C)]
pub(super) struct SecurityAttributes {
    length: u32,
    descriptor: *mut c_void,
    inherit: i32,
}

/// A list for SYSTEM, Administrators and this account, and nobody else.
pub(super) struct PrivateList(Local);

impl PrivateList {
    /// For a folder: what is made in it inherits the list, and it inherits nothing itself.
    pub(super) fn of_folder() -> io::Result<Self> {
        Self::parse("P", "OICI")
    }

    /// For a file. In a folder that nearly everybody may use it inherits nothing; in another its folder's list counts
    /// too, so that whom an administrator gave a right to the folder has it.
    pub(super) fn of_file(folder: &Path) -> io::Result<Self> {
        let is_open = Security::read(folder, Link::Target)?.granted_to_all(FILE_RIGHTS)?.is_some();
        Self::parse(if is_open { "P" } else { "" }, "")
    }

    fn parse(control: &str, inherit: &str) -> io::Result<Self> {
        let own = own_sid()?;
        let list = [SYSTEM, ADMINISTRATORS, &own].map(|sid| format!("(A;{inherit};FA;;;{sid})")).concat();
        descriptor(&format!("D:{control}{list}")).map(Self)
    }

    pub(super) fn attributes(&self) -> SecurityAttributes {
        SecurityAttributes { length: size_of::<SecurityAttributes>() as u32, descriptor: self.0.0, inherit: 0 }
    }
}

/// From a text of the Security Descriptor Definition Language.
fn descriptor(text: &str) -> io::Result<Local> {
    const REVISION: u32 = 1;
    let text = wide(text);
    let mut made = null_mut();
    // SAFETY: the text is NUL-terminated; `made` receives memory that `Local` frees.
    let status = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(text.as_ptr(), REVISION, &raw mut made, null_mut())
    };
    if status == 0 { Err(io::Error::last_os_error()) } else { Ok(Local(made)) }
}

/// Gives the file `to` the access list of the file `from`, as it is: what was inherited and what was not.
pub fn copy_access_list(from: &Path, to: &Path) -> io::Result<()> {
    set_list(to, &Security::read(from, Link::Target)?.descriptor)
}

/// Puts a descriptor's list in the place of a file's own. What the file's folder would hand down is not added, as
/// SetNamedSecurityInfoW would.
fn set_list(path: &Path, descriptor: &Local) -> io::Result<()> {
    let name = wide_path(path);
    // SAFETY: the name is NUL-terminated, and the descriptor lives during the call.
    if unsafe { SetFileSecurityW(name.as_ptr(), LIST, descriptor.0) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Replaces a file's list by a text's, `D:P(A;;FA;;;SY)` for one; `ME` stands for this account. For tests.
#[doc(hidden)]
pub fn set_access_list(path: &Path, text: &str) -> io::Result<()> {
    set_list(path, &descriptor(&text.replace("ME", &own_sid()?))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[link(name = "advapi32")]
    unsafe extern "system" {
        fn GetSecurityDescriptorDacl(
            descriptor: *const c_void,
            present: *mut i32,
            list: *mut *mut c_void,
            defaulted: *mut i32,
        ) -> i32;
    }

    #[test]
    fn the_account_is_found_by_its_sid_whatever_the_variables_say() {
        let own = own_sid().unwrap();
        assert!(own.starts_with("S-1-5-"), "{own}");
        let name = account();
        assert!(name.contains('\\') && !name.starts_with("S-1-"), "{name}");
        // What the variables say here goes for this process alone, and no other test asks for it.
        assert_eq!(account_name(&own), name);
        assert_eq!(account_name("S-1-5-21-1-2-3-4"), "S-1-5-21-1-2-3-4", "nobody's");
    }

    #[test]
    fn a_thread_that_acts_for_somebody_unknown_is_not_the_process() {
        #[link(name = "advapi32")]
        unsafe extern "system" {
            fn ImpersonateSelf(level: i32) -> i32;
            fn RevertToSelf() -> i32;
        }
        const ANONYMOUS: i32 = 0;
        // SAFETY: only this test's own thread is changed, and changed back.
        let told = unsafe {
            assert_ne!(ImpersonateSelf(ANONYMOUS), 0);
            let told = (account(), own_sid().is_err());
            assert_ne!(RevertToSelf(), 0);
            told
        };
        assert_eq!(told, ("unknown".into(), true));
        assert_ne!(account(), "unknown");
    }

    #[test]
    fn a_log_is_not_removed_while_it_is_asked_whose_it_is() {
        const SHARING_VIOLATION: i32 = 32;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("um.db-journal");
        std::fs::write(&path, "x").unwrap();
        let log = open_log(&path).unwrap();
        assert_eq!(std::fs::remove_file(&path).unwrap_err().raw_os_error(), Some(SHARING_VIOLATION));
        assert_eq!(foreign_owner_of(&log).unwrap(), None);
        drop(log);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn groups_of_nearly_everybody_are_told_from_others() {
        for all in ["S-1-1-0", "S-1-2-0", "S-1-5-11", "S-1-5-15", "S-1-5-32-545", "S-1-5-21-1-2-3-513"] {
            assert!(is_nearly_everybody(all), "{all}");
        }
        for few in ["S-1-5-18", "S-1-5-32-544", "S-1-5-21-1-2-3-512", "S-1-5-21-1-2-3-1513", "S-1-5-80-513"] {
            assert!(!is_nearly_everybody(few), "{few}");
        }
    }

    #[test]
    fn a_list_is_read_entry_by_entry() {
        let with = |text: &str| {
            let made = descriptor(text).unwrap();
            let (mut present, mut list, mut defaulted) = (0, null_mut(), 0);
            // SAFETY: the descriptor is valid, and the list lies in it.
            let got = unsafe { GetSecurityDescriptorDacl(made.0, &raw mut present, &raw mut list, &raw mut defaulted) };
            assert!(got != 0 && present != 0);
            Security { descriptor: made, owner: null_mut(), list }
        };
        let open = |text: &str, mask: u32| with(text).granted_to_all(mask).unwrap().is_some();
        assert!(!open("D:P(A;;FA;;;SY)(A;;FA;;;BA)", FILE_RIGHTS));
        assert!(open("D:P(A;;FA;;;SY)(A;;FR;;;BU)", FILE_RIGHTS));
        assert!(open("D:P(A;;GR;;;WD)", FILE_RIGHTS) && open("D:P(A;;0x2;;;AU)", FILE_RIGHTS));
        assert!(!open("D:P(A;OICIIO;FA;;;WD)", FILE_RIGHTS), "for what is made below, not for itself");
        assert!(!open("D:P(D;;FA;;;WD)", FILE_RIGHTS), "a refusal grants nothing");
        assert!(!open("D:P(A;;0x20000;;;WD)", FILE_RIGHTS), "who may read the list may not read the file");
        // What Users have in %ProgramData%: they may look and make files of their own.
        assert!(open("D:(A;OICI;FA;;;SY)(A;CI;0x116;;;BU)", FOLDER_RIGHTS));
        assert!(!open("D:(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BU)", FOLDER_RIGHTS), "looking puts nothing there");
        assert!(!open("D:P", FILE_RIGHTS), "an empty list");
        let on_a_condition = with("D:P(A;;FR;;;WD)");
        let mut entry = null_mut();
        // SAFETY: the list has an entry, whose first byte is its kind.
        unsafe {
            assert_ne!(GetAce(on_a_condition.list, 0, &raw mut entry), 0);
            *entry.cast::<u8>() = 9;
        }
        assert!(on_a_condition.granted_to_all(FILE_RIGHTS).unwrap().is_some(), "everybody, where it holds");
        let no_list = Security { descriptor: Local(null_mut()), owner: null_mut(), list: null_mut() };
        assert!(no_list.granted_to_all(FILE_RIGHTS).unwrap().is_some(), "everybody may do everything");
    }
}
