//! The recorded digits, made by `templates/static/audio/record.sh`.

use crate::domain::lang::Lang;

/// WAV files of the digits 0 to 9, by voice.
pub(super) type Voices = [[&'static [u8]; 10]; 3];

macro_rules! voice {
    ($folder:literal) => {
        voice!($folder: 0 1 2 3 4 5 6 7 8 9)
    };
    ($folder:literal: $($digit:literal)*) => {
        [$(include_bytes!(concat!("../../../templates/static/audio/", $folder, "/", $digit, ".wav"))),*]
    };
}

static VIETNAMESE: Voices = [voice!("vi/0"), voice!("vi/1"), voice!("vi/2")];
static ENGLISH: Voices = [voice!("en/0"), voice!("en/1"), voice!("en/2")];

/// The voices of a language.
pub(super) fn voices(lang: Lang) -> &'static Voices {
    match lang {
        Lang::Vi => &VIETNAMESE,
        Lang::En => &ENGLISH,
    }
}
