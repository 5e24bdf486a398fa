//! html
pub fn render(_: &super::Report) -> std::io::Result<String> {
    Err(std::io::Error::new(
        std::io::ErrorKind::Unsupported,
        "the html report does not exist yet",
    ))
}
