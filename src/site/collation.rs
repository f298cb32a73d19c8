//! The order of names in Vietnamese lists.

use unicode_normalization::UnicodeNormalization;

/// What names are ordered by: first the letters of the Vietnamese alphabet, then the tones.
///
/// A run of digits is ordered as a number, so that `Phường 2` comes before `Phường 10`. Letters order
/// `a ă â b c d đ e ê … o ô ơ … u ư …`, tones none, huyền, hỏi, ngã, sắc, nặng; a tone only decides between words of the same
/// letters, wherever in the word it is written (`Hoà` is `Hòa`). `ƀ` follows `b`; apostrophes do not count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CollationKey {
    letters: Vec<u32>,
    /// One for each word.
    tones: Vec<u8>,
}

/// The key of a text as a whole, for names of units.
#[must_use]
pub fn text_key(text: &str) -> CollationKey {
    let mut letters = Vec::with_capacity(text.len());
    let mut tones = vec![0_u8];
    let mut number = Number::default();
    for c in text.nfd() {
        if let Some(digit) = c.to_digit(10) {
            number.push(digit, &mut letters);
            continue;
        }
        number = Number::default();
        let (modifier, tone) = match c {
            '\'' | '`' | '´' | '‘' | '’' | 'ʻ' | 'ʼ' => continue,
            '\u{306}' => (1, 0),
            '\u{302}' => (2, 0),
            '\u{31b}' => (3, 0),
            '\u{300}' => (0, 1),
            '\u{309}' => (0, 2),
            '\u{303}' => (0, 3),
            '\u{301}' => (0, 4),
            '\u{323}' => (0, 5),
            c => {
                for lower in c.to_lowercase() {
                    letters.push(match lower {
                        // As on the keyboard, and two look-alikes: U+00F0 and U+0256.
                        'đ' | 'ð' | 'ɖ' => u32::from('d') * 4 + 1,
                        'ƀ' => u32::from('b') * 4 + 1,
                        lower => u32::from(lower) * 4,
                    });
                }
                if c.is_whitespace() {
                    tones.push(0);
                }
                continue;
            }
        };
        if let (Some(letter), Some(last_tone)) = (letters.last_mut(), tones.last_mut()) {
            // Nobody's name has so many marks, but a file may.
            *letter = letter.saturating_add(modifier);
            *last_tone = last_tone.saturating_add(tone);
        }
    }
    CollationKey { letters, tones }
}

/// A run of digits within a key: its length stands before its digits, so that the longer number is the larger.
#[derive(Default)]
struct Number {
    /// Where the length is, once there is a digit that is no leading zero.
    length_at: Option<usize>,
}

impl Number {
    fn push(&mut self, digit: u32, letters: &mut Vec<u32>) {
        let at = match self.length_at {
            Some(at) => at,
            None => {
                letters.extend([u32::from('0') * 4, 0]);
                *self.length_at.insert(letters.len() - 1)
            }
        };
        let length = &mut letters[at];
        if digit > 0 || *length > 0 {
            *length += 1;
            letters.push(digit);
        }
    }
}

/// The key of a person's name: the last word, which is the given name, before the rest.
#[must_use]
pub fn person_key(name: &str) -> (CollationKey, CollationKey) {
    let name = name.trim();
    let (rest, given) = name.rsplit_once(char::is_whitespace).unwrap_or(("", name));
    (text_key(given), text_key(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_ordered_by_given_name_in_vietnamese_order() {
        let mut names = [
            "Trần Văn Đức",
            "Nguyễn Thị Ánh",
            "Lê Dũng",
            "Phạm Thị An",
            "Lê Thị Âu",
            "Hồ Văn Ẩn",
            "Đỗ Văn An",
            "Bùi Thị Hoà",
            "Bùi Thị Hoa",
            "Vũ Thị Hòa",
        ];

        names.sort_by_cached_key(|name| person_key(name));

        assert_eq!(
            names,
            [
                "Đỗ Văn An",
                "Phạm Thị An",
                "Nguyễn Thị Ánh",
                "Hồ Văn Ẩn",
                "Lê Thị Âu",
                "Lê Dũng",
                "Trần Văn Đức",
                "Bùi Thị Hoa",
                "Bùi Thị Hoà",
                "Vũ Thị Hòa",
            ]
        );
    }

    #[test]
    fn numbers_within_names_are_ordered_as_numbers() {
        let mut names = [
            "Phường 11",
            "Phường 1",
            "Phường 10",
            "Phường 3",
            "Phường An",
            "Phường 2",
            "Phường",
            "Phường 2 Đông",
            "Phường 0",
            "Phường 123456789012345678901234567890",
        ];

        names.sort_by_cached_key(|name| text_key(name));

        assert_eq!(
            names,
            [
                "Phường",
                "Phường 0",
                "Phường 1",
                "Phường 2",
                "Phường 2 Đông",
                "Phường 3",
                "Phường 10",
                "Phường 11",
                "Phường 123456789012345678901234567890",
                "Phường An",
            ]
        );
        assert_eq!(text_key("Phường 007"), text_key("Phường 7"));
    }

    #[test]
    fn names_of_the_highlands_and_look_alike_letters_are_ordered_as_they_are_read() {
        let mut names = [
            "Ðặng Bình",
            "Ƀya",
            "HʼHen",
            "Bya",
            "Dương",
            "Đặng An",
            "H'Hen",
            "Hha",
            "H’Hiên",
            "Can",
        ];

        names.sort_by_key(|name| text_key(name));

        assert_eq!(
            names,
            [
                "Bya",
                "Ƀya",
                "Can",
                "Dương",
                "Đặng An",
                "Ðặng Bình",
                "Hha",
                "HʼHen",
                "H'Hen",
                "H’Hiên",
            ]
        );
    }

    #[test]
    fn a_heap_of_marks_is_ordered_without_a_fault() {
        let heap = format!("a{}", "\u{323}".repeat(200));

        assert!(person_key("a") < person_key(&heap));
    }
}
