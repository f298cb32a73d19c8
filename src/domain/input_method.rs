//! Undoes what a Vietnamese input method made of the keys of a code.
//!
//! Telex makes `Đ` of `DD`, `Ư` of `W` and `Ả` of `AR`; VNI makes the same of `D9`, `U7` and `A3`. A mark lands on a
//! letter typed before its key, often with others between them, so one text can come of several rows of keys. A code
//! with a check character says which.

use unicode_normalization::UnicodeNormalization;

/// Rows of keys tried for one text.
const MAX_TRIED: usize = 5_000;
/// Most places that all marks together were typed behind their letters.
const MAX_DISTANCE: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Telex,
    Vni,
}

/// A text taken apart: the keys of its letters, and the keys of the marks with the letter each belongs to.
struct Keys {
    letters: Vec<char>,
    marks: Vec<(usize, char)>,
}

/// The most likely row of keys behind `text`: Telex, each mark typed right behind its letter.
pub(super) fn keys(text: &str) -> String {
    let Keys { letters, marks } = take_apart(text, Method::Telex);
    let near = vec![0; marks.len()];
    join(&letters, &marks, &near).unwrap_or_default()
}

/// The likeliest row of `length` keys behind `text` that is a code by its check character, as `accept` finds it.
pub(super) fn find(text: &str, length: usize, accept: impl Fn(&str) -> bool) -> Option<String> {
    let (mut tried, mut left) = (Vec::new(), MAX_TRIED);
    let methods = [Method::Telex, Method::Vni].map(|method| (method, take_apart(text, method)));
    for distance in 0..=MAX_DISTANCE {
        for (method, keys) in &methods {
            let known = keys.letters.len() + keys.marks.len();
            let mut marks = keys.marks.clone();
            if known == length {
                arrange(&keys.letters, &marks, distance, &mut left, &mut tried);
            } else if known + 1 == length {
                // A mark typed once too often takes itself back: of three D two are left.
                for taken in taken_back(&keys.letters, *method) {
                    marks.push(taken);
                    arrange(&keys.letters, &marks, distance, &mut left, &mut tried);
                    marks.pop();
                }
            }
        }
        if let Some(found) = tried.drain(..).find(|keys| accept(keys)) {
            return Some(found);
        }
    }
    None
}

fn take_apart(text: &str, method: Method) -> Keys {
    let (mut letters, mut marks) = (Vec::new(), Vec::new());
    for c in text.nfd() {
        let telex = method == Method::Telex;
        let (base, key) = match c {
            'Đ' | 'Ð' => (Some('D'), Some(if telex { 'D' } else { '9' })),
            '\u{300}' => (None, Some(if telex { 'F' } else { '2' })),
            '\u{301}' => (None, Some(if telex { 'S' } else { '1' })),
            '\u{303}' => (None, Some(if telex { 'X' } else { '4' })),
            '\u{309}' => (None, Some(if telex { 'R' } else { '3' })),
            '\u{323}' => (None, Some(if telex { 'J' } else { '5' })),
            '\u{302}' if telex => (None, letters.last().copied()),
            '\u{302}' => (None, Some('6')),
            '\u{306}' => (None, Some(if telex { 'W' } else { '8' })),
            '\u{31b}' if telex => match letters.last_mut() {
                // In a code that knows no U, `W` alone was typed.
                Some(letter @ 'U') => {
                    *letter = 'W';
                    (None, None)
                }
                _ => (None, Some('W')),
            },
            '\u{31b}' => (None, Some('7')),
            c => (Some(c), None),
        };
        letters.extend(base);
        if let Some(key) = key {
            marks.push((letters.len().saturating_sub(1), key));
        }
    }
    // The shape of a letter is typed before its tone, whichever stands first in the text.
    let tone = |key: char| "SFRXJ12345".contains(key);
    marks.sort_by_key(|(letter, key)| (*letter, tone(*key)));
    Keys { letters, marks }
}

/// Marks that, typed once more, would have left `letters` as they are.
fn taken_back(letters: &[char], method: Method) -> Vec<(usize, char)> {
    let vowel = |letter: &char| "AEY".contains(*letter);
    let taken = |(at, letter): (usize, &char)| {
        let before = &letters[..at];
        let twice = match method {
            Method::Telex => {
                *letter == 'W'
                    || ("ADE".contains(*letter) && before.last() == Some(letter))
                    || ("SFRXJ".contains(*letter) && before.iter().any(vowel))
            }
            Method::Vni => {
                ("1234568".contains(*letter) && before.iter().any(vowel))
                    || (*letter == '9' && before.contains(&'D'))
            }
        };
        twice.then_some((at, *letter))
    };
    letters.iter().enumerate().filter_map(taken).collect()
}

/// Every row of keys in which the marks are typed `distance` places behind their letters, taken together.
fn arrange(
    letters: &[char],
    marks: &[(usize, char)],
    distance: usize,
    left: &mut usize,
    tried: &mut Vec<String>,
) {
    let mut moves = vec![0; marks.len()];
    spread(distance, &mut moves, 0, &mut |moves| {
        *left = left.saturating_sub(1);
        if *left > 0 {
            tried.extend(join(letters, marks, moves));
        }
        *left > 0
    });
}

/// Calls `each` with every way to spread `distance` over `moves` from `at` on, until it answers false.
fn spread(
    distance: usize,
    moves: &mut Vec<usize>,
    at: usize,
    each: &mut dyn FnMut(&[usize]) -> bool,
) -> bool {
    if at == moves.len() {
        return distance > 0 || each(moves);
    }
    for own in 0..=distance {
        moves[at] = own;
        if !spread(distance - own, moves, at + 1, each) {
            return false;
        }
    }
    true
}

/// The letters with each mark's key as many places behind its letter as `moves` says; `None` beyond the end.
fn join(letters: &[char], marks: &[(usize, char)], moves: &[usize]) -> Option<String> {
    let mut behind: Vec<String> = vec![String::new(); letters.len()];
    for ((letter, key), moved) in marks.iter().zip(moves) {
        behind.get_mut(letter + moved)?.push(*key);
    }
    let mut keys = String::new();
    for (letter, marks) in letters.iter().zip(behind) {
        keys.push(*letter);
        keys.push_str(&marks);
    }
    Some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys found for `text` where `code` alone is right.
    fn found(text: &str, code: &str) -> Option<String> {
        let length = code.chars().count();
        find(text, length, |keys| keys == code)
    }

    #[test]
    fn what_telex_and_vni_make_of_a_code_is_undone() {
        for (text, code) in [
            ("YH6ĐZFĐM0", "YH6DDZFDDM0"),
            ("YH6ĐZFĐM0", "YH6D9ZFD9M0"),
            ("ZA662D5QMƯM", "ZA662D5QMWM"),
            ("HƯẢTF1CMƯZ", "HWARTF1CMWZ"),
            ("HỬATF1CMƯZ", "HWARTF1CMWZ"),
            ("HƯẢTF1CMƯZ", "HWATRF1CMWZ"),
            ("Ẩ1", "AAR1"),
            ("ẨM1", "AAMR1"),
            ("ÂM1", "AMA1"),
            ("Ă1", "AW1"),
            ("Ế1", "EES1"),
            ("Ý7", "YS7"),
            ("Ấ7", "A617"),
            // A mark typed once too often is taken back.
            ("DDA", "DDDA"),
            ("1W2", "1WW2"),
            ("AS1", "ASS1"),
            ("A62D", "A662D"),
            ("PLAIN", "PLAIN"),
        ] {
            assert_eq!(found(text, code).as_deref(), Some(code), "{text}");
        }
    }

    #[test]
    fn of_several_rows_of_keys_the_nearest_is_taken() {
        assert_eq!(find("ĐA", 3, |_| true).as_deref(), Some("DDA"));
        assert_eq!(find("Á7", 3, |_| true).as_deref(), Some("AS7"));
        assert_eq!(
            find("Á7", 3, |keys| keys.contains('1')).as_deref(),
            Some("A17")
        );
        assert_eq!(keys("Đ1.Á2-Ư"), "DD1.AS2-W");
        assert_eq!(keys("H17"), "H17");
    }

    #[test]
    fn a_text_of_marks_ends_the_search() {
        let text = "Ẩ".repeat(30);
        assert_eq!(find(&text, 90, |_| false), None);
        assert_eq!(find("\u{301}", 1, |_| true), None);
        assert_eq!(keys("\u{301}"), "");
    }
}
