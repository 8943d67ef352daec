//! BlockHumanPINs: the shapes that people choose, as rules rather than a file of a hundred thousand lines.
//!
//! Source: Markert et al. 2020 put the best size of a blocklist at about a tenth of the space; DataGenetics and
//! Bonneau et al. 2012 name the shapes: dates, repeats, keypad lines, runs. A test counts what the rules take at each
//! length from 4 to 12.

/// The first shape that the digits have, by the name that a refusal shows.
pub(crate) fn shape(digits: &[u8]) -> Option<&'static str> {
    if few_digits(digits) {
        return Some("too few different digits");
    }
    if repeated_group(digits) {
        return Some("a group of digits repeated");
    }
    if palindrome(digits) {
        return Some("the same forwards and backwards");
    }
    if long_run(digits) {
        return Some("a run of digits");
    }
    if three_alike(digits) {
        return Some("three equal digits in a row");
    }
    if date(digits) || year_inside(digits) {
        return Some("a date or a year");
    }
    if keypad_line(digits) {
        return Some("a line on the keypad");
    }
    None
}

fn few_digits(digits: &[u8]) -> bool {
    let mut seen = [false; 10];
    for d in digits {
        seen[usize::from(d - b'0')] = true;
    }
    // Of four digits one in fifteen has only two; the shapes among them that people choose are repeats and mirrors.
    let few = if digits.len() == 4 { 1 } else { 2 };
    seen.iter().filter(|s| **s).count() <= few
}

/// 408408, 121212, and doubled neighbours such as 112233.
fn repeated_group(digits: &[u8]) -> bool {
    let n = digits.len();
    let whole = (1..=n / 2).any(|g| n.is_multiple_of(g) && digits.chunks(g).all(|c| c == &digits[..g]));
    let doubled = n.is_multiple_of(2) && digits.chunks(2).all(|c| c[0] == c[1]);
    whole || doubled
}

fn palindrome(digits: &[u8]) -> bool {
    digits.iter().eq(digits.iter().rev())
}

/// One run up or down, in longer PINs with at most one other step; 9 to 0 included; or it falls into two runs of three
/// or more (123789).
fn long_run(digits: &[u8]) -> bool {
    let steps: Vec<u8> = digits.windows(2).map(|p| (p[1] + 10 - p[0]) % 10).collect();
    let breaks = |step: u8| steps.iter().filter(|s| **s != step).count();
    let allowed = usize::from(digits.len() > 5);
    if breaks(1) <= allowed || breaks(9) <= allowed {
        return true;
    }
    let half = digits.len() / 2;
    half >= 3
        && digits.len() == 2 * half
        && [&digits[..half], &digits[half..]].iter().all(|part| {
            let first = (part[1] + 10 - part[0]) % 10;
            matches!(first, 0 | 1 | 9) && part.windows(2).all(|p| (p[1] + 10 - p[0]) % 10 == first)
        })
}

fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |n, d| n * 10 + u32::from(d - b'0'))
}

fn is_year(n: u32) -> bool {
    (1900..=2059).contains(&n)
}

fn day_month(a: u32, b: u32) -> bool {
    (1..=31).contains(&a) && (1..=12).contains(&b)
}

/// Years (19xx, 20xx), day and month in either order, with a year of two or four digits before or behind.
fn date(digits: &[u8]) -> bool {
    let two = |at: usize| number(&digits[at..at + 2]);
    let either = |a: u32, b: u32| day_month(a, b) || day_month(b, a);
    match digits.len() {
        4 => is_year(number(digits)) || either(two(0), two(2)),
        // Two-digit years people live in: 40-99 and 00-29. All others are left to chance, to stay near a tenth.
        6 => {
            let month = |n: u32| (1..=12).contains(&n);
            if (is_year(number(&digits[..4])) && month(two(4))) || (is_year(number(&digits[2..])) && month(two(0))) {
                return true;
            }
            let lived = |y: u32| !(30..40).contains(&y);
            (day_month(two(0), two(2)) && lived(two(4)))
                || (day_month(two(2), two(0)) && lived(two(4)))
                || (day_month(two(4), two(2)) && lived(two(0)))
        }
        8 => {
            (is_year(number(&digits[4..])) && either(two(0), two(2)))
                || (is_year(number(&digits[..4])) && either(two(4), two(6)))
        }
        _ => false,
    }
}

/// Lengths that no whole date has are filled up around one: 1984 with a digit, a birth year and the extension. Of six
/// digits the dates take their share already; of long PINs a year in the middle is chance.
fn year_inside(digits: &[u8]) -> bool {
    let n = digits.len();
    let at = |from: usize| is_year(number(&digits[from..from + 4]));
    match n {
        5 | 7 | 8 => (0..=n - 4).any(at),
        9.. => at(0) || at(n - 4),
        _ => false,
    }
}

/// 111 in it. Of four digits that is one in fifty, of more than twelve one in eight: there it is left to chance.
fn three_alike(digits: &[u8]) -> bool {
    (5..=12).contains(&digits.len()) && digits.windows(3).any(|w| w[0] == w[1] && w[1] == w[2])
}

/// Every step goes to a neighbour on the telephone keypad in one unchanging direction, or the PIN is two such lines
/// of three (159753, 147258).
fn keypad_line(digits: &[u8]) -> bool {
    let line = |part: &[u8]| {
        let step = |p: &[u8]| {
            let (x0, y0) = keypad_position(p[0]);
            let (x1, y1) = keypad_position(p[1]);
            (x1 - x0, y1 - y0)
        };
        let first = step(part);
        first != (0, 0) && first.0.abs() <= 1 && first.1.abs() <= 1 && part.windows(2).all(|p| step(p) == first)
    };
    match digits.len() {
        0..=2 => false,
        n if n.is_multiple_of(3) => digits.chunks(3).all(line),
        4 => line(digits) || corners(digits),
        _ => false,
    }
}

/// The four corners of a square on the keypad, in order (1397, 2486, 1254).
fn corners(digits: &[u8]) -> bool {
    let p: Vec<(i8, i8)> = digits.iter().map(|d| keypad_position(*d)).collect();
    let d: Vec<(i8, i8)> = (0..4).map(|i| (p[(i + 1) % 4].0 - p[i].0, p[(i + 1) % 4].1 - p[i].1)).collect();
    // Two opposite sides that are the same make the other two the same.
    d[0] != (0, 0) && d[0] == (-d[2].0, -d[2].1) && d[0] != d[1] && d[1] != (0, 0)
}

fn keypad_position(digit: u8) -> (i8, i8) {
    match digit {
        b'0' => (1, 3),
        d => {
            let n = (d - b'1') as i8;
            (n % 3, n / 3)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share of all PINs of a length that is taken: counted up to five digits, of spread ones beyond.
    fn share(length: usize) -> f64 {
        const LOOKED_AT: u64 = 200_000;
        let space = 10u64.pow(length as u32);
        let count = space.min(LOOKED_AT);
        // Weyl's sequence: even steps would favour some digits.
        let spread = |i: u64| i.wrapping_mul(0x9E37_79B9_7F4A_7C15) % space;
        let hits = (0..count)
            .map(|i| if space > LOOKED_AT { spread(i) } else { i })
            .filter(|n| shape(format!("{n:0length$}").as_bytes()).is_some())
            .count();
        hits as f64 / count as f64
    }

    #[test]
    fn takes_about_a_tenth_of_the_space_at_every_usual_length() {
        for length in 4..=12 {
            let share = share(length);
            assert!((0.05..0.15).contains(&share), "{length} digits: {share}");
        }
    }

    #[test]
    fn takes_the_field_favourites() {
        for pin in [
            "1234", "1111", "0000", "1212", "7777", "1004", "2000", "4444", "2222", "6969", "9999", "3333", "5555",
            "6666", "1122", "1313", "8888", "4321", "2001", "1010", "2580", "1984", "696969", "159753", "007007",
            "123123", "112233", "147258", "123789", "010190", "311299", "20010911", "25122001", "199012", "111222",
            "71984", "1984123", "20001234", "5558123",
        ] {
            assert!(shape(pin.as_bytes()).is_some(), "{pin}");
        }
    }

    #[test]
    fn a_shape_is_taken_for_itself_and_its_neighbour_is_not() {
        for (takes, pin, taken) in [
            (corners as fn(&[u8]) -> bool, "1397", true),
            (corners, "1254", true),
            (corners, "2486", true),
            (corners, "4268", true),
            (corners, "1937", false),
            (corners, "1392", false),
            (corners, "1331", false),
            (corners, "1133", false),
            (corners, "1232", false),
            (corners, "1111", false),
            (date, "3112", true),
            (date, "1231", true),
            (date, "3113", false),
            (date, "3200", false),
            (date, "311299", true),
            (date, "123199", true),
            (date, "991231", true),
            (date, "993112", false),
            (date, "311235", false),
            (date, "198413", false),
            (date, "131984", false),
            (date, "25122001", true),
            (date, "12252001", true),
            (date, "20012512", true),
            (date, "20011225", true),
            (date, "25132001", false),
            (date, "20600101", false),
        ] {
            assert_eq!(takes(pin.as_bytes()), taken, "{pin}");
        }
    }

    #[test]
    fn leaves_random_looking_ones() {
        for pin in ["8068", "7396", "739182", "580437", "93846", "60493827"] {
            assert_eq!(shape(pin.as_bytes()), None, "{pin}");
        }
    }
}
