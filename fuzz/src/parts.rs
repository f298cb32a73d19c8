//! Several named files in one input, in a form that survives changes: `--- name` lines, each followed by its bytes.

const MARK: &[u8] = b"--- ";

/// The files of an input; what stands before the first mark is left out.
pub(crate) fn split(input: &[u8]) -> Vec<(String, &[u8])> {
    let mut parts = Vec::new();
    let mut starts = Vec::new();
    let mut at = 0;
    while at < input.len() {
        let end = input[at..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(input.len(), |line| at + line + 1);
        if let Some(name) = input[at..end].strip_prefix(MARK) {
            starts.push((String::from_utf8_lossy(name).trim_end().to_owned(), at, end));
        }
        at = end;
    }
    for (index, (name, _, from)) in starts.iter().enumerate() {
        let to = starts
            .get(index + 1)
            .map_or(input.len(), |(_, next, _)| *next);
        parts.push((name.clone(), &input[*from..to]));
    }
    parts
}
