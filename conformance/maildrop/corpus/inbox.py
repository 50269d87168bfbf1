"""Messages as people receive them."""

from conformance.maildrop.corpus.message import ordinary

_PLAIN = (b"Hello Reader,", b"", b"the report is attached.", b"", b"-- ", b"Sender")
_HTML = (b"<html><body>", b"<p>Hello Reader,</p>", b"<p>the report is <b>attached</b>.</p>", b"</body></html>")
_PDF = (
    b"JVBERi0xLjQKMSAwIG9iago8PC9UeXBlL0NhdGFsb2cvUGFnZXMgMiAwIFI+PgplbmRvYmoKMiAw",
    b"IG9iago8PC9UeXBlL1BhZ2VzL0tpZHNbXS9Db3VudCAwPj4KZW5kb2JqCnRyYWlsZXIKPDwvUm9v",
    b"dCAxIDAgUj4+CiUlRU9GCg==",
)

inbox = (
    ordinary(
        "nested-multipart",
        "A mail as clients send them: text, HTML and an attachment in nested multiparts.",
        b"This is a message in MIME format.",
        b"",
        b"--outer",
        b'Content-Type: multipart/alternative; boundary="inner"',
        b"",
        b"--inner",
        b"Content-Type: text/plain; charset=us-ascii",
        b"",
        *_PLAIN,
        b"",
        b"--inner",
        b"Content-Type: text/html; charset=us-ascii",
        b"",
        *_HTML,
        b"",
        b"--inner--",
        b"",
        b"--outer",
        b'Content-Type: application/pdf; name="report.pdf"',
        b'Content-Disposition: attachment; filename="report.pdf"',
        b"Content-Transfer-Encoding: base64",
        b"",
        *_PDF,
        b"",
        b"--outer--",
        fields=(
            b"Cc: =?utf-8?Q?J=C3=BCrgen_M=C3=BCller?= <juergen@example.org>,",
            b' "Doe, Jane" <jane@example.org>',
            b"MIME-Version: 1.0",
            b"Content-Type: multipart/mixed;",
            b'\tboundary="outer"',
        ),
        subject=b"=?utf-8?B?QmVyaWNodCBmw7xyIErDvHJnZW4=?=",
    ),
    ordinary(
        "display-names",
        "Display names in encoded words, in a group, quoted and with comments.",
        b"The names are in the header.",
        fields=(
            b"Sender: =?utf-8?B?5pel5pys6Kqe?= <nihongo@example.org>",
            b"Reply-To: =?iso-8859-1?Q?Fran=E7ois?= (a comment) <francois@example.org>",
            b'Cc: Friends: "O\'Hara, S." <s@example.org>,',
            b" =?utf-8?Q?=CE=95=CE=BB=CE=BB=CE=AC=CF=82?= <ellas@example.org>;",
        ),
    ),
)
