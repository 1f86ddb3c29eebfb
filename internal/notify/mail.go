package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// sendMail hands a mail to the mail server.
func sendMail(ctx context.Context, m MailServer, password string, to []string, body []byte) error {
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return failed("the sender's address %q cannot be read", m.From)
	}
	c, done, err := dialMail(ctx, m)
	if err != nil {
		return mailFailure(m, err)
	}
	defer done()
	if err := enterMail(c, m, password); err != nil {
		return mailFailure(m, err)
	}
	if err := c.Mail(from.Address); err != nil {
		return mailFailure(m, err)
	}
	for _, a := range to {
		if err := c.Rcpt(a); err != nil {
			return mailFailure(m, err)
		}
	}
	w, err := c.Data()
	if err != nil {
		return mailFailure(m, err)
	}
	if _, err := w.Write(body); err != nil {
		return mailFailure(m, err)
	}
	if err := w.Close(); err != nil {
		return mailFailure(m, err)
	}
	_ = c.Quit() // it is accepted: how we part is no matter
	return nil
}

// dialMail connects; done ends the connection, and so does ctx.
func dialMail(ctx context.Context, m MailServer) (c *smtp.Client, done func(), err error) {
	conn, err := dialer().DialContext(ctx, "tcp", net.JoinHostPort(m.Host, strconv.Itoa(m.Port)))
	if err != nil {
		return nil, nil, err
	}
	late, ok := ctx.Deadline()
	if !ok {
		late = time.Now().Add(time.Minute)
	}
	_ = conn.SetDeadline(late)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	done = func() { stop(); conn.Close() }
	if m.Security == TLS {
		conf, err := mailTLS(m)
		if err != nil {
			done()
			return nil, nil, err
		}
		conn = tls.Client(conn, conf)
	}
	if c, err = smtp.NewClient(conn, m.Host); err != nil {
		done()
		return nil, nil, err
	}
	return c, done, nil
}

func mailTLS(m MailServer) (*tls.Config, error) {
	pool, err := roots(m.CABundle)
	return &tls.Config{RootCAs: pool, ServerName: m.Host}, err
}

// enterMail encrypts and logs in, as far as the settings say so. It never goes
// on unencrypted where encryption was asked for.
func enterMail(c *smtp.Client, m MailServer, password string) error {
	if m.Security == StartTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return failed("%s offers no STARTTLS", m.Host)
		}
		conf, err := mailTLS(m)
		if err != nil {
			return err
		}
		if err := c.StartTLS(conf); err != nil {
			return err
		}
	}
	if m.User == "" {
		return nil
	}
	if m.Security == Plain {
		return failed("a password is not sent without encryption")
	}
	_, ways := c.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(ways))
	for _, w := range offered {
		if w == "PLAIN" {
			return c.Auth(smtp.PlainAuth("", m.User, password, m.Host))
		}
	}
	for _, w := range offered {
		if w == "LOGIN" {
			return c.Auth(loginAuth{m.User, password})
		}
	}
	return failed("%s offers no login that is known here (it offers %q)", m.Host, ways)
}

// loginAuth is AUTH LOGIN, which some servers offer alone. It is only used on
// an encrypted connection.
type loginAuth struct{ user, password string }

func (loginAuth) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if !s.TLS {
		return "", nil, errors.New("the connection is not encrypted")
	}
	return "LOGIN", nil, nil
}

func (a loginAuth) Next(question []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	switch q := bytes.ToLower(question); {
	case bytes.HasPrefix(q, []byte("user")):
		return []byte(a.user), nil
	case bytes.HasPrefix(q, []byte("pass")):
		return []byte(a.password), nil
	}
	return nil, fmt.Errorf("the mail server asked for something unknown")
}

func mailFailure(m MailServer, err error) error {
	var answer *textproto.Error
	if errors.As(err, &answer) {
		return failed("%s answered %d %s", m.Host, answer.Code, cut(oneLine(answer.Msg), 200))
	}
	return unreachable(m.Host, err)
}
