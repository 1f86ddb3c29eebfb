package standin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// follow polls a deployment to its end, and then reads it. A deployment that is over with its first answer isn't polled.
func (c *client) follow(ctx context.Context, put answer, target string) error {
	if status := provisioning(put.body); ended(status) {
		return outcome(put, status)
	}
	if poll := put.header.Get("Azure-AsyncOperation"); poll != "" {
		if err := c.poll(ctx, put.header, poll, operation); err != nil {
			return err
		}
		return c.read(ctx, target)
	}
	return c.poll(ctx, put.header, target, provisioning)
}

func (c *client) read(ctx context.Context, target string) error {
	a, err := c.call(ctx, http.MethodGet, target, nil)
	if err == nil && a.status != http.StatusOK && a.status != http.StatusNoContent {
		err = a.failure()
	}
	return err
}

// poll asks for a status until it is final. The headers of each answer say when to ask again.
func (c *client) poll(ctx context.Context, header http.Header, url string, status func([]byte) string) error {
	pause, wait := retryAfter(header)
	for {
		if wait {
			if err := sleep(ctx, pause); err != nil {
				return err
			}
		}
		a, err := c.call(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if a.status != http.StatusOK && a.status != http.StatusCreated && a.status != http.StatusAccepted {
			return a.failure()
		}
		switch s := status(a.body); {
		case s == "":
			return errors.New("the response did not contain a status")
		case ended(s):
			return outcome(a, s)
		}
		if pause, wait = retryAfter(a.header); !wait {
			pause, wait = pollPause, true
		}
	}
}

// change sends a request that changes something, and waits until that is done.
func (c *client) change(ctx context.Context, method, target string) error {
	a, err := c.call(ctx, method, target, nil)
	switch {
	case err != nil:
		return err
	case a.status == http.StatusOK || a.status == http.StatusNoContent:
		return nil
	case a.status != http.StatusAccepted:
		return a.failure()
	}
	place := a.header.Get("Location")
	if poll := a.header.Get("Azure-AsyncOperation"); poll != "" {
		if err := c.poll(ctx, a.header, poll, operation); err != nil || method != http.MethodPost || place == "" {
			return err
		}
		return c.read(ctx, place)
	}
	if place == "" {
		return errors.New("response is missing polling URL")
	}
	return c.followLocation(ctx, a, place)
}

// followLocation polls where an answer of 202 means not yet.
func (c *client) followLocation(ctx context.Context, a answer, place string) error {
	for first := true; a.status == http.StatusAccepted; first = false {
		pause, ok := retryAfter(a.header)
		if !ok && !first {
			pause = pollPause
		}
		err := sleep(ctx, pause)
		if err == nil {
			a, err = c.call(ctx, http.MethodGet, place, nil)
		}
		if err != nil {
			return err
		}
	}
	if a.status != http.StatusOK && a.status != http.StatusNoContent {
		return a.failure()
	}
	return nil
}

func operation(body []byte) string {
	var doc struct {
		Status string `json:"status"`
	}
	_ = json.Unmarshal(body, &doc)
	return doc.Status
}

func provisioning(body []byte) string {
	var doc struct {
		Properties struct {
			State string `json:"provisioningState"`
		} `json:"properties"`
	}
	_ = json.Unmarshal(body, &doc)
	return doc.Properties.State
}

func ended(status string) bool {
	return strings.EqualFold(status, "Succeeded") || strings.EqualFold(status, "Failed") || strings.EqualFold(status, "Canceled")
}

func outcome(a answer, status string) error {
	if strings.EqualFold(status, "Succeeded") {
		return nil
	}
	return a.failure()
}
