package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// usage: zzshot base cookie-name=value out path...   path:name
func main() {
	base, setup, out := os.Args[1], os.Args[2], os.Args[3]
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)
	a, c1 := chromedp.NewExecAllocator(context.Background(), opts...)
	defer c1()
	ctx, c2 := chromedp.NewContext(a)
	defer c2()
	ctx, c3 := context.WithTimeout(ctx, 4*time.Minute)
	defer c3()
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	if setup != "" {
		must(chromedp.Run(ctx, chromedp.Navigate(base+"/login"), chromedp.SetValue(`input[name=name]`, "ana"), chromedp.SetValue(`input[name=password]`, setup), chromedp.Submit(`form[action="/login"] `), chromedp.Sleep(700*time.Millisecond)))
	}
	for _, p := range os.Args[4:] {
		name := fmt.Sprintf("%x", p)
		for i := range p {
			if p[i] == '@' {
				name, p = p[i+1:], p[:i]
				break
			}
		}
		for _, v := range []struct {
			n    string
			w    int64
			dark string
		}{{"light", 1280, "light"}, {"dark", 1280, "dark"}, {"narrow", 390, "light"}} {
			var png []byte
			must(chromedp.Run(ctx, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.dark}}),
				emulation.SetDeviceMetricsOverride(v.w, 900, 1, false), chromedp.Navigate(base+p), chromedp.Sleep(600*time.Millisecond), chromedp.FullScreenshot(&png, 90)))
			must(os.WriteFile(out+"/"+name+"-"+v.n+".png", png, 0o644))
		}
	}
}
