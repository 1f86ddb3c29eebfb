package standin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// Versions in which the machines' parts are deleted.
const diskVersion = "2019-07-01"

func (d *deployFlags) addClusterFlags(f *pflag.FlagSet, required string) {
	f.StringVarP(&d.location, "location", "l", "", "location the cluster is deployed in"+required)
	f.StringVarP(&d.group, "resource-group", "g", "", "the resource group where the cluster is deployed"+required)
	f.StringVarP(&d.file, "api-model", "m", "", "path to the generated apimodel.json file")
	d.loginFlags.add(f)
}

// missing is the refusal of a command that lacks flags: the usage comes before it too.
func (p *process) missing(c *command, prefix string, rules ...rule) error {
	err := first(rules...)
	if err == nil {
		return nil
	}
	fmt.Fprint(p.stderr, usage(c))
	return fmt.Errorf("%s: %w", prefix, err)
}

func must(value, flag string) rule { return rule{value == "", flag + " must be specified"} }

// open reads the model of a cluster and logs in. At its end the resource group is there, whether or not it was. What
// check does comes right after the model was read.
func (p *process) open(ctx context.Context, j *job, check func() error) error {
	leaveTranslations()
	if _, err := os.Stat(j.file); os.IsNotExist(err) {
		return fmt.Errorf("specified api model does not exist (%s)", j.file)
	}
	j.location = strings.ToLower(strings.ReplaceAll(j.location, " ", ""))
	m, err := p.loadModel(j.file, false)
	if err != nil {
		return fmt.Errorf("error parsing the api model: %w", err)
	}
	j.model, j.props = m, m.Properties
	if j.props.MasterProfile == nil {
		return errNoMaster
	}
	if check != nil {
		if err := check(); err != nil {
			return err
		}
	}
	if c := j.props.CustomCloudProfile; c != nil {
		if err := p.findCloud(ctx, j); err != nil {
			return fmt.Errorf("error parsing the api model: %w", err)
		}
		if err := p.writeCloudProfile(c.Environment); err != nil {
			return err
		}
		c.IdentitySystem = j.identity
	}
	return nil
}

func (p *process) enter(ctx context.Context, j *job) error {
	if err := j.loginFlags.check(); err != nil {
		return err
	}
	if err := p.connect(ctx, j); err != nil {
		return fmt.Errorf("failed to get client: %w", err)
	}
	if err := j.arm.ensureGroup(ctx, j.group, j.location); err != nil {
		return err
	}
	if j.model.Location != j.location {
		return errors.New("--location does not match api model location")
	}
	return nil
}

// keepModel writes the model where the commands after this one find it.
func (j *job) keepModel() error {
	text, err := indented(j.model)
	if err != nil {
		return err
	}
	return save(filepath.Dir(j.file), "apimodel.json", text)
}

// machine is what is read of a VM.
type machine struct {
	Name       string            `json:"name"`
	Tags       map[string]string `json:"tags"`
	Properties struct {
		State          string `json:"provisioningState"`
		StorageProfile struct {
			OSDisk struct {
				Name        string          `json:"name"`
				ManagedDisk json.RawMessage `json:"managedDisk"`
				VHD         json.RawMessage `json:"vhd"`
			} `json:"osDisk"`
		} `json:"storageProfile"`
		NetworkProfile struct {
			Interfaces []struct {
				ID string `json:"id"`
			} `json:"networkInterfaces"`
		} `json:"networkProfile"`
	} `json:"properties"`
}

var machineName = regexp.MustCompile(`^k8s-([a-z0-9]+)-(\d{8})-(\d+)$`)

// index is the number at the end of the name, -1 when there is none.
func (m machine) index() int {
	if parts := machineName.FindStringSubmatch(m.Name); parts != nil {
		n, _ := strconv.Atoi(parts[3])
		return n
	}
	return -1
}

// pool is what the tags say it belongs to or, without tags, its name: master, or a pool.
func (m machine) pool() string {
	if pool := m.Tags["poolName"]; pool != "" {
		return pool
	}
	if parts := machineName.FindStringSubmatch(m.Name); parts != nil {
		return parts[1]
	}
	return ""
}

// version is that of the orchestrator tag: 1.33.10 of Kubernetes:1.33.10.
func (m machine) version() string {
	_, version, _ := strings.Cut(m.Tags["orchestrator"], ":")
	return version
}

// under is the path of a resource of the group.
func (j *job) under(kind, name, version string) string {
	path := j.arm.subscriptionPath() + "/resourceGroups/" + j.group + "/providers/" + kind
	if name != "" {
		path += "/" + name
	}
	return path + "?api-version=" + version
}

// machines are the VMs of the resource group that belong to the cluster.
func (p *process) machines(ctx context.Context, j *job) (list []machine, all int, err error) {
	for target := j.under("Microsoft.Compute/virtualMachines", "", computeVersion); target != ""; {
		var page struct {
			Value []machine `json:"value"`
			Next  string    `json:"nextLink"`
		}
		if err := j.arm.get(ctx, target, &page); err != nil {
			return nil, 0, err
		}
		all += len(page.Value)
		list, target = append(list, page.Value...), page.Next
	}
	list = slices.DeleteFunc(list, func(m machine) bool { return !strings.Contains(m.Name, j.suffix()) })
	return list, all, nil
}

func (c *client) get(ctx context.Context, target string, into any) error {
	a, err := c.call(ctx, http.MethodGet, target, nil)
	if err == nil && a.status != http.StatusOK {
		err = a.failure()
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(a.body, into)
}

// deleteMachine deletes a VM, its network interface and its OS disk. Data disks stay.
func (p *process) deleteMachine(ctx context.Context, j *job, name string) error {
	const kind = "Microsoft.Compute/virtualMachines"
	var m machine
	if err := j.arm.get(ctx, j.under(kind, name, computeVersion), &m); err != nil {
		return err
	}
	disk, nics := m.Properties.StorageProfile.OSDisk, m.Properties.NetworkProfile.Interfaces
	if disk.ManagedDisk == nil && disk.VHD == nil {
		return errors.New("OS disk does not have a VHD URI")
	}
	if len(nics) == 0 {
		return &crashError{}
	}
	p.say.info("deleting VM %s in resource group %s ...", name, j.group)
	if err := j.arm.change(ctx, http.MethodDelete, j.under(kind, name, computeVersion)); err != nil {
		return fmt.Errorf("deleting virtual machine %s/%s: %w", j.group, name, err)
	}
	nic := nics[0].ID[strings.LastIndexByte(nics[0].ID, '/')+1:]
	p.say.info("deleting NIC %s in resource group %s ...", nic, j.group)
	if err := j.arm.change(ctx, http.MethodDelete, j.under("Microsoft.Network/networkInterfaces", nic, networkVersion)); err != nil {
		return fmt.Errorf("deleting network interface %s/%s: %w", j.group, nic, err)
	}
	if disk.Name == "" {
		return nil
	}
	p.say.info("deleting managed disk %s in resource group %s ...", disk.Name, j.group)
	if err := j.arm.change(ctx, http.MethodDelete, j.under("Microsoft.Compute/disks", disk.Name, diskVersion)); err != nil {
		return fmt.Errorf("deleting disk %s/%s: %w", j.group, disk.Name, err)
	}
	return nil
}
