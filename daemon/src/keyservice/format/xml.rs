//! As much XML as a public key needs: one element with elements in it that hold nothing but text.
//! There are no attributes, entities, comments, processing instructions or document types: whatever
//! has them is refused, so nothing is ever expanded.

/// Names and texts of the elements in `root`, which is all there is in `text` but for white space and
/// an XML declaration; `None` where it is anything else.
pub(super) fn fields<'a>(text: &'a str, root: &str) -> Option<Vec<(&'a str, &'a str)>> {
    let mut rest = text.trim();
    if let Some(declared) = rest.strip_prefix("<?xml ") {
        rest = declared.split_once("?>")?.1.trim_start();
    }
    let mut rest = rest.strip_prefix(&format!("<{root}>"))?.strip_suffix(&format!("</{root}>"))?;
    let mut fields = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some(fields);
        }
        let (name, after) = rest.strip_prefix('<')?.split_once('>')?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
        let (value, after) = after.split_once('<').filter(|_| is_name)?;
        if value.contains(['&', '>']) {
            return None;
        }
        rest = after.strip_prefix('/')?.strip_prefix(name)?.strip_prefix('>')?;
        fields.push((name, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_in_an_element() {
        for text in
            ["<r><A>1</A><B></B></r>", "<?xml version=\"1.0\"?>\n<r> <A>1</A>\n\t<B></B> </r>\n"]
        {
            assert_eq!(fields(text, "r").unwrap(), [("A", "1"), ("B", "")]);
        }
        assert_eq!(fields("<r></r>", "r").unwrap(), []);
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "",
            "<r>",
            "<r/>",
            "<r>text</r>",
            "<r x=\"1\"></r>",
            "<r><A x=\"1\">1</A></r>",
            "<r><A>1</B></r>",
            "<r><A><B>1</B></A></r>",
            "<r><A/></r>",
            "<r><!-- --></r>",
            "<r><A>&amp;</A></r>",
            "<r><A>&e;</A></r>",
            "<r><A><![CDATA[1]]></A></r>",
            "<!DOCTYPE r [<!ENTITY e \"1\">]><r><A>1</A></r>",
            "<?xml version=\"1.0\"?><!DOCTYPE r SYSTEM \"file:///etc/passwd\"><r></r>",
            "<r></r><r></r>",
            "<r><A>1</A>",
            "<r><A>1</r>",
            "<r><A></r>",
            "<r><></></r>",
        ] {
            assert!(fields(bad, "r").is_none(), "{bad}");
        }
    }
}
