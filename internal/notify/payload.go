package notify

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
)

// webhookBody is an event as other programs read it.
func webhookBody(e Event) ([]byte, error) {
	facts := map[string]string{}
	for _, f := range e.Facts {
		facts[f.Label] = f.Value
	}
	return json.Marshal(struct {
		Key          string            `json:"key"`
		Kind         Kind              `json:"kind"`
		At           time.Time         `json:"at"`
		Title        string            `json:"title"`
		Text         string            `json:"text,omitempty"`
		Tone         Tone              `json:"tone"`
		DeploymentID string            `json:"deploymentID,omitempty"`
		Facts        map[string]string `json:"facts,omitempty"`
		URL          string            `json:"url,omitempty"`
	}{e.Key, e.Kind, e.At, e.Title, e.Text, e.Tone, e.DeploymentID, facts, e.URL})
}

// Sign is the value of the header X-Hubwright-Signature of a body that was
// sent at that time: t=<unix seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>">.
// The time is signed too, so that an old message cannot be sent again.
func Sign(key, body []byte, at time.Time) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}

var marks = map[Tone]string{Good: "🟢", Bad: "🔴", Warn: "🟠", Info: "🔵"}

type object = map[string]any

// slackBody is an event for an incoming webhook of Slack.
func slackBody(e Event) ([]byte, error) {
	title := marks[e.Tone] + " *" + slackText(e.Title) + "*"
	if e.Text != "" {
		title += "\n" + slackText(e.Text)
	}
	blocks := []object{{"type": "section", "text": object{"type": "mrkdwn", "text": cut(title, 3000)}}}
	var facts []object
	for _, f := range e.Facts {
		facts = append(facts, object{"type": "mrkdwn", "text": cut("*"+slackText(f.Label)+"*\n"+slackText(f.Value), 2000)})
	}
	if len(facts) > 0 {
		blocks = append(blocks, object{"type": "section", "fields": facts[:min(10, len(facts))]})
	}
	if e.URL != "" {
		blocks = append(blocks, object{"type": "actions", "elements": []object{
			{"type": "button", "text": object{"type": "plain_text", "text": "Open in Hubwright"}, "url": e.URL}}})
	}
	return json.Marshal(object{"text": slackText(e.Title), "blocks": blocks})
}

// slackText keeps what people wrote from being read as a mention or a link.
func slackText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// teamsBody is an event as an Adaptive Card, for a workflow of Teams that
// posts what its webhook receives.
func teamsBody(e Event) ([]byte, error) {
	colour := map[Tone]string{Good: "Good", Bad: "Attention", Warn: "Warning", Info: "Accent"}[e.Tone]
	body := []object{{"type": "TextBlock", "text": teamsText(e.Title), "weight": "Bolder", "size": "Medium", "color": colour, "wrap": true}}
	if e.Text != "" {
		body = append(body, object{"type": "TextBlock", "text": teamsText(e.Text), "wrap": true})
	}
	var facts []object
	for _, f := range e.Facts {
		facts = append(facts, object{"title": teamsText(f.Label), "value": teamsText(f.Value)})
	}
	if len(facts) > 0 {
		body = append(body, object{"type": "FactSet", "facts": facts})
	}
	card := object{"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": body}
	if e.URL != "" {
		card["actions"] = []object{{"type": "Action.OpenUrl", "title": "Open in Hubwright", "url": e.URL}}
	}
	return json.Marshal(object{"type": "message", "attachments": []object{
		{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card}}})
}

// teamsText keeps what people wrote from being read as Markdown links.
func teamsText(s string) string { return strings.NewReplacer("[", "\\[", "]", "\\]").Replace(s) }

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// mailBody is an event as a mail.
func mailBody(e Event, from string, to []string, at time.Time) ([]byte, error) {
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("the sender's address %q cannot be read", from)
	}
	_, domain, _ := strings.Cut(sender.Address, "@")
	var id [12]byte
	_, _ = rand.Read(id[:]) // never fails
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", (&mail.Address{Name: "Hubwright", Address: sender.Address}).String()}, {"To", strings.Join(to, ", ")},
		{"Subject", mime.QEncoding.Encode("utf-8", oneLine(e.Title))}, {"Date", at.Format(time.RFC1123Z)},
		{"Message-ID", "<" + hex.EncodeToString(id[:]) + "@" + domain + ">"}, {"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=utf-8"}, {"Content-Transfer-Encoding", "quoted-printable"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, err = w.Write([]byte(strings.ReplaceAll(mailText(e), "\n", "\r\n")))
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), err
}

func mailText(e Event) string {
	var b strings.Builder
	b.WriteString(e.Title + "\n")
	if e.Text != "" {
		b.WriteString("\n" + e.Text + "\n")
	}
	for i, f := range e.Facts {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString(f.Label + ": " + f.Value + "\n")
	}
	if e.URL != "" {
		b.WriteString("\n" + e.URL + "\n")
	}
	return b.String()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
